// The tests: those that are independent of each other side by side, then those that measure time or
// memory, or use up what all share, one after the other. `--quick` leaves out all that start the
// program or break it.
const ROOT = new URL("..", import.meta.url).pathname;

/** Tests that need the machine for themselves. */
const ALONE = [
  "tests/admin/load_test.ts",
  "tests/docs/run_test.ts",
  "tests/faults/hostile_test.ts",
  "tests/faults/log_test.ts",
  "tests/faults/netns_test.ts",
  "tests/faults/kernel_addresses_test.ts",
  "tests/integration/admin_limits_test.ts",
  "tests/net/connect_test.ts",
  "tests/integration/descriptors_test.ts",
];

/** Folders whose tests take long. */
const SLOW = ["tests/faults", "tests/integration", "tests/scripts"];

/** How many files are tested at a time: most tests wait most of the time. */
const JOBS = 2 * navigator.hardwareConcurrency;

/** What came of some tests. */
interface Outcome {
  passed: number;
  failed: number;
  ignored: number;
}

if (import.meta.main) {
  const quick = Deno.args.includes("--quick");
  const begun = Date.now();
  const outcomes = [
    await run(["--parallel", `--ignore=${(quick ? [...SLOW, ...ALONE] : ALONE)}`, "tests"]),
  ];
  if (!quick) outcomes.push(await run(ALONE));
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
async function run(args: readonly string[]): Promise<Outcome> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", ...args],
    cwd: ROOT,
    env: { DENO_JOBS: String(JOBS) },
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
