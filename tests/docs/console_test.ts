import { assert, assertEquals } from "@std/assert";
import { getStaticTOMLValue, parseTOML } from "toml-eslint-parser";
import project from "../../deno.json" with { type: "json" };
import { routeOf } from "../../src/admin/router.ts";
import { ROUTES } from "../../src/admin/routes.ts";
import { FatalError, UsageError } from "../../src/base/errors.ts";
import { MODEL_OPTION_NAMES } from "../../src/cli/serve_model.ts";
import { parseCommand, parseServe, readAddresses } from "../../src/cli/command.ts";
import { readInetdArguments } from "../../src/cli/inetd.ts";
import { readInitArguments } from "../../src/cli/init.ts";
import { COMMAND_LINE_FLAGS } from "../../src/cli/command_line_flags.ts";
import { ctl } from "../../src/client/ctl.ts";
import { COMMANDS } from "../../src/client/commands.ts";
import { readSendArguments } from "../../src/client/send.ts";
import { top } from "../../src/client/top.ts";
import {
  destinationOptionNames,
  fieldOfDestinationOption,
} from "../../src/config/options/destination.ts";
import { flagOf, keyOf, optionNames, rowOf } from "../../src/config/options.ts";
import { serviceOptionNames } from "../../src/config/options/service.ts";
import { Authority, hasOpenssl } from "../support/authority.ts";
import { type Block, blocks, isThere, page, pages, prose, typed } from "../support/doc_pages.ts";
import { shellCommands } from "../support/shell_commands.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const ALL = blocks();

/** Programs of others, whose arguments nobody can check here. */
const FOREIGN = new Set(
  [
    "apt",
    "editor",
    "systemctl",
    "jq",
    "grep",
    "sleep",
    "seq",
    "psql",
    "cat",
    "openssl",
    "install",
    "chmod",
    "socat",
    "telnet",
    "strace",
    "ss",
    "nstat",
    "tcpdump",
    "traceroute",
    "ping",
    "wireshark",
    "echo",
    "ip",
    "cp",
    "sysctl",
    "iawlb-upgrade",
    "/etc/init.d/iawlb",
  ],
);

const folder = await Deno.makeTempDir();
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const token = `${folder}/token`;
const authority = hasOpenssl ? new Authority() : undefined;
addEventListener("unload", () => authority?.[Symbol.dispose]());
/** Stands for all certificates of the pages. */
const pair = authority?.issue();
await Deno.writeTextFile(token, "a-token-of-the-test-with-enough-characters");

function place({ page, line }: Block, what: string): string {
  return `${page}:${line}: ${what}`;
}

Deno.test("every block of code says what it is, and is checked", () => {
  const known = ["sh", "console", "toml", "yaml", ""];
  for (const block of ALL) assert(known.includes(block.language), place(block, block.language));
  assert(ALL.length > 25, `${ALL.length}`);
});

Deno.test("every command that the pages show is one, with arguments that it takes", async () => {
  let number = 0;
  for (const block of ALL.filter(({ language }) => ["sh", "console"].includes(language))) {
    const script = block.language === "sh" ? block.text : typed(block).join("\n");
    for (const words of shellCommands(script)) {
      const problem = await problemWith(words);
      assertEquals(problem, undefined, place(block, words.join(" ")));
      number++;
    }
  }
  assert(number > 50, `${number}`);
});

Deno.test("commands that are none, and arguments that nobody takes, are found", async () => {
  for (
    const script of [
      "iawlb --wokers 4 8080 9001",
      "iawlb --workers four 8080 9001",
      "iawlb ctl 9090 drian 9001",
      "iawlb ctl 9090 reload --wait",
      "iawlb ctl",
      "iawlb ctl drain",
      "iawlb serve eco 8007",
      "iawlb serve echo 8007 --workers 4",
      "iawlb send --tcp localhost:8007",
      "deno task strat",
      "deno task start 8080",
      "npx -y deno@2.9.6 task dmo",
      "deno run -A scripts/nothing.ts",
      "deno test -A tests/nothing_test.ts",
      "curl localhost:9090/stats",
      "curl -X PUT localhost:9090/reload",
      "ssh -t host iawlb topp 9090",
      "podman exec lb iawlb ctl helth",
      "frobnicate",
    ]
  ) {
    const problems = await Promise.all(shellCommands(script).map(problemWith));
    assert(problems.every((problem) => problem !== undefined), script);
  }
});

/** What is wrong with a command, or nothing. */
async function problemWith([program = "", ...args]: string[]): Promise<string | undefined> {
  const name = program.replace(/^\.\/(?=iawlb$)/, "");
  if (name === "iawlb") return await problemWithIawlb(args);
  if (name === "deno") return await problemWithDeno(args);
  if (name === "npx") {
    const at = args.findIndex((arg) => /^deno@\d/.test(arg));
    return at === -1 ? "runs something else" : await problemWithDeno(args.slice(at + 1));
  }
  if (name === "curl") return problemWithCurl(args);
  // These run what stands behind somewhere else.
  if (["ssh", "podman", "docker", "kubectl"].includes(name)) {
    const at = args.indexOf("iawlb");
    return at === -1 ? undefined : await problemWithIawlb(args.slice(at + 1));
  }
  if (name === "python3") return isThere(args[0] ?? "") ? undefined : "is not there";
  if (name.includes("/") && !FOREIGN.has(name)) return isThere(name) ? undefined : "is not there";
  return FOREIGN.has(name) || /^\w+=/.test(name) ? undefined : "nobody knows it";
}

async function problemWithIawlb(args: readonly string[]): Promise<string | undefined> {
  const given = args.map((arg, i) => {
    if (args[i - 1] === "--token-file") return token;
    if (args[i - 1] === "--tls-cert") return pair?.cert ?? "none";
    return args[i - 1] === "--tls-key" ? pair?.key ?? "none" : arg;
  });
  const [first, address = "", ...rest] = given;
  if (first === "top" || first === "ctl") {
    // Nobody answers there, which is found out once the arguments are fine.
    // The address may be left out.
    const without = address === "" || address.startsWith("-") || Object.hasOwn(COMMANDS, address);
    const words = without ? given.slice(1) : rest;
    const nobody = [`unix:${folder}/nobody`, ...words, ...(first === "top" ? ["--once"] : [])];
    const ask = first === "top" ? top : ctl;
    const problem = await usageProblem(() => ask(nobody, () => {}));
    if (problem || without || !/^[\w[]/.test(address)) return problem;
    return await usageProblem(() => ctl([address, "no-such-command"], () => {}), /no-such-command/);
  }
  if (first === "send") {
    return await usageProblem(() => Promise.resolve(void readSendArguments(given.slice(1))));
  }
  if (first === "init") {
    return await usageProblem(async () => {
      const parsed = readInitArguments(given.slice(1));
      if (parsed.addresses.length > 0) await readAddresses(parsed);
    });
  }
  if (first === "inetd") {
    return await usageProblem(() => Promise.resolve(void readInetdArguments(given.slice(1))));
  }
  if (first === "serve") {
    return await usageProblem(async () =>
      void await parseServe([...given.slice(1), "--check-config"])
    );
  }
  return await usageProblem(async () => {
    const at = given.indexOf("--config");
    const file = at === -1 ? given : given.with(at + 1, `${ROOT}packaging/iawlb.toml`);
    const { kind } = await parseCommand(file);
    assert(kind.length > 0);
  });
}

/** The problem with its arguments that a function finds. */
async function usageProblem(
  act: () => Promise<void>,
  expected?: RegExp,
): Promise<string | undefined> {
  try {
    await act();
  } catch (error) {
    if (error instanceof FatalError || expected?.test(String(error))) return undefined;
    if (error instanceof UsageError) return error.message;
    throw error;
  }
}

async function problemWithDeno([verb, ...args]: readonly string[]): Promise<string | undefined> {
  const [name = ""] = args;
  if (verb === "task") {
    if (!Object.hasOwn(project.tasks, name)) return "no such task";
    return name === "start" ? await problemWithIawlb(args.slice(1)) : undefined;
  }
  if (verb !== "run" && verb !== "test") return "no such verb";
  // What stands behind a script is the script's.
  const paths = args.filter((arg) => !arg.startsWith("-")).slice(0, verb === "run" ? 1 : undefined);
  return paths.length > 0 && paths.every(isThere) ? undefined : "is not there";
}

function problemWithCurl(args: readonly string[]): string | undefined {
  const method = args.includes("-X") ? args[args.indexOf("-X") + 1]! : "GET";
  const url = args.find((arg) => /^(http:\/\/)?localhost/.test(arg));
  if (url === undefined) return "has no address of the admin API";
  try {
    routeOf(method, url.replace(/^(http:\/\/)?localhost(:\d+)?/, ""));
  } catch (error) {
    return String(error);
  }
}

Deno.test("every flag that the pages name is one of the program's, or of what they speak of", () => {
  const known = new Set([
    ...optionNames().map(flagOf),
    ...Object.keys(COMMAND_LINE_FLAGS).map((flag) => `--${flag}`),
    ...Object.values(COMMANDS).flatMap(({ switches, values }) => [...switches, ...values])
      .map((flag) => `--${flag}`),
    ...serviceOptionNames().map((name) => `--${name}`),
    ...MODEL_OPTION_NAMES.map((name) => `--${name}`),
    ...["--token-file", "--once", "--json", "--udp", "--timeout", "--file"],
  ]);
  // Of deno, of scripts/package.ts, scripts/image.ts and the bench, of engines of containers, prlimit,
  // setpriv, rsync, the compiler, iawlb-upgrade, and of nobody.
  const foreign = [
    ...["--no-code-cache", "--quiet", "--inspect", "--cpu-prof"],
    ...["--max-semi-space-size", "--min-semi-space-size", "--expose-gc"],
    ...["--no-parallel-scavenge", "--single-threaded-gc"],
    ...["--binary", "--more", "--only", "--part", "--rounds", "--seconds"],
    ...["--some-name", "--or-restart"],
    ...["--init", "--nofile", "--pdeathsig", "--server", "--without"],
    ...["--from", "--network", "--no-healthcheck", "--output", "--publish", "--scale"],
    ...["--restart", "--stop-timeout", "--sysctl", "--time"],
  ];
  let number = 0;
  for (const { path, text } of pages()) {
    for (const [flag] of prose(text).matchAll(/(?<![\w-])--[a-z][a-z-]*[a-z]/g)) {
      assert(known.has(flag) || foreign.includes(flag), `${path}: ${flag}`);
      number++;
    }
  }
  assert(number > 200, `${number}`);
});

Deno.test("every configuration that the pages show is one", async () => {
  const configurations = ALL.filter(({ language }) => language === "toml");
  assert(configurations.length > 4);
  for (const block of configurations) {
    const value = getStaticTOMLValue(parseTOML(block.text)) as Record<string, unknown>;
    const { listen = "8080", listener, destinations } = value;
    const added = [
      ...(listener || value.listen ? [] : [`listen = ${JSON.stringify(listen)}`]),
      ...(listener || destinations ? [] : ['destinations = ["9001"]']),
    ];
    const file = `${folder}/example.toml`;
    const text = block.text.replaceAll(/"\/etc\/iawlb\/\w+\.(pem|key)"/g, (path, end) => {
      return pair ? JSON.stringify(end === "pem" ? pair.cert : pair.key) : path;
    });
    if (!pair && text.includes("certificates =")) continue;
    await Deno.writeTextFile(file, [...added, text].join("\n"));
    const problem = await usageProblem(async () => {
      await parseCommand(["--config", file, "--check-config"]);
    });
    assertEquals(problem, undefined, place(block, "the configuration"));
  }
});

for (const { name } of [...Deno.readDirSync(`${ROOT}examples`)].toSorted(byName)) {
  if (!name.endsWith(".toml")) continue;
  Deno.test(`examples/${name} is fine`, async () => {
    const command = await parseCommand(["--config", `${ROOT}examples/${name}`, "--check-config"]);
    assert(command.kind === "print" && command.text.includes(`${name} is fine: `));
    assert(pages().some(({ text }) => text.includes(`examples/${name})`)), "no page links to it");
  });
}

function byName(a: Deno.DirEntry, b: Deno.DirEntry): number {
  return a.name < b.name ? -1 : 1;
}

Deno.test("docs/admin-api.md has every request of the admin API, and no other", () => {
  const shown = [...page("docs/admin-api.md").matchAll(/^\| `([A-Z]+) (\/[^\s`?]*)/gm)]
    .map(([, method, path]) => `${method} ${path!.replace("ID", "{id}")}`);
  assertEquals(shown.toSorted(), ROUTES.map(routeName).toSorted());
});

function routeName({ method, path }: (typeof ROUTES)[number]): string {
  return `${method} ${path}`;
}

Deno.test("docs/admin-api.md has every option of a destination as a field", () => {
  const rows = page("docs/admin-api.md").split("\n")
    .filter((row) => /^\| `(?:POST|PATCH) \/destinations/.test(row));
  assertEquals(rows.length, 2);
  for (const row of rows) {
    const fields = [...row.matchAll(/"(\w+)"\?/g)].map(([, name]) => name!);
    const options = fields.filter((name) => !["listener", "state"].includes(name));
    const known = destinationOptionNames().map(fieldOfDestinationOption);
    assertEquals(options.toSorted(), known.toSorted(), row);
  }
});

Deno.test("docs/configuration.md knows which options need a restart, and which are the program's", () => {
  const text = page("docs/configuration.md").replace(/\s+/g, " ");
  const listed = (pattern: RegExp) => {
    return [...pattern.exec(text)![1]!.matchAll(/`([a-z-]+)`/g)].map(([, key]) => key!).toSorted();
  };
  const keys = (wanted: (row: ReturnType<typeof rowOf>) => boolean) => {
    return optionNames().filter((name) => wanted(rowOf(name))).map(keyOf).toSorted();
  };
  const restart = listed(/((?:`[a-z-]+`(?:,| and)? )+)count only after a restart/);
  assertEquals(restart, keys((row) => row.needsRestart === true));
  const program = listed(/What concerns the whole program \(([^)]*)\)/);
  assertEquals(program, keys((row) => row.scope === "program"));
});
