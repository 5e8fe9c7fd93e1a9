// The tests: those that are independent of each other side by side, then those that use up what all
// share, two at a time, then those that measure their own process. `--quick` leaves out all that
// start the program or break it.
const ROOT = new URL("..", import.meta.url).pathname;

/** Tests that use up descriptors, disks or the network, and what they wait for takes its time. */
const GREEDY = [
  "tests/docs/run_test.ts",
  "tests/faults/log_test.ts",
  "tests/faults/netns_test.ts",
  "tests/faults/kernel_addresses_test.ts",
  "tests/integration/admin_limits_test.ts",
  "tests/integration/descriptors_test.ts",
  "tests/integration/ha_test.ts",
];

/** Tests that look at the time, memory, descriptors or children of the process that runs them, or change its environment. */
const ALONE = [
  "tests/admin/load_test.ts",
  "tests/faults/hostile_test.ts",
  "tests/net/connect_test.ts",
  "tests/net/tls/roots_test.ts",
  "tests/program/refused_changes_test.ts",
  "tests/threads/process_worker_test.ts",
];

/** What starts programs or browsers, which takes long. */
const SLOW = [
  "tests/admin/dashboard_page_test.ts",
  "tests/client/foreign_test.ts",
  "tests/docs",
  "tests/faults",
  "tests/integration",
  "tests/program/systemd_test.ts",
  "tests/scripts",
];

/** How many files are tested at a time, unless IAWLB_TEST_JOBS says so: most tests wait. */
const JOBS = Number(Deno.env.get("IAWLB_TEST_JOBS") ?? 2 * navigator.hardwareConcurrency);

/** What came of some tests. */
interface Outcome {
  passed: number;
  failed: number;
  ignored: number;
}

if (import.meta.main) {
  const quick = Deno.args.includes("--quick");
  const begun = Date.now();
  const first = [
    "--parallel",
    `--ignore=${[...GREEDY, ...ALONE, ...(quick ? SLOW : [])]}`,
    "tests",
  ];
  const outcomes = [await run(first, JOBS)];
  if (!quick) {
    outcomes.push(await run(["--parallel", ...GREEDY], Math.min(JOBS, 2)), await run(ALONE, 1));
  }
  const sum = (key: keyof Outcome) => outcomes.reduce((total, one) => total + one[key], 0);
  const [passed, failed, ignored] = [sum("passed"), sum("failed"), sum("ignored")];
  const seconds = Math.round((Date.now() - begun) / 1000);
  const verdict = failed === 0 ? "ok" : "FAILED";
  console.log(
    `\n${verdict} | ${passed} passed | ${failed} failed | ${ignored} ignored (${seconds} s)`,
  );
  Deno.exit(failed === 0 ? 0 : 1);
}

/** Runs tests, shows what they say, and counts. One that ends without a count has failed. */
async function run(args: readonly string[], jobs: number): Promise<Outcome> {
  const child = new Deno.Command(Deno.execPath(), {
    // Types are checked by `deno task check`.
    args: ["test", "-A", "--no-check", ...args],
    cwd: ROOT,
    env: { DENO_JOBS: String(jobs) },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const decoder = new TextDecoder();
  let end = "";
  for await (const bytes of child.stdout) {
    Deno.stdout.writeSync(bytes);
    end = (end + decoder.decode(bytes, { stream: true })).slice(-2000);
  }
  const { success } = await child.status;
  // deno-lint-ignore no-control-regex -- colours
  const plain = end.replace(/\x1b\[[\d;]*m/g, "");
  const summary = plain.split("\n").findLast((line) => /^(ok|FAILED) \|/.test(line)) ?? "";
  const count = (what: string) => Number(new RegExp(`(\\d+) ${what}`).exec(summary)?.[1] ?? 0);
  const outcome = { passed: count("passed"), failed: count("failed"), ignored: count("ignored") };
  if (!success && outcome.failed === 0) outcome.failed = 1;
  return outcome;
}
