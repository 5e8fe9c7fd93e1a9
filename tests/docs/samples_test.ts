// The console blocks that are not run are samples: their lines have to look like the program's own.
import { assert } from "@std/assert";
import { ctl } from "../../src/client/ctl.ts";
import { top } from "../../src/client/top.ts";
import { blocks } from "../support/doc_pages.ts";
import { Program } from "../support/program.ts";
import { freePort, readAll, TestServer, until, writeAll } from "../support/servers.ts";

/** Clients that come back as soon as they were served, more than there are slots. */
const CLIENTS = 30;

const SAMPLES = blocks().filter(({ language, needs }) => language === "console" && !needs);

/** What a line is without its numbers, addresses, bars and columns. */
function shape(line: string): string {
  return line
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replace(/(?:\[[^\]]*\]|localhost|(?:\d+\.){3}\d+):\d+/g, "N")
    .replace(/\d+(?:\.\d+)*(?: ?(?:ms|us|[smh]|[KMG]?i?B)\b)?/g, "N")
    .replace(/▕[^▏]*▏/g, "BAR")
    .replace(/(N \(N workers\)(?:, )?)+/g, "N (N workers)")
    .replace(/\s+/g, " ").trim();
}

Deno.test("the lines of the samples look like the program's own", async () => {
  const real = new Set((await show()).map(shape));
  let number = 0;
  for (const { page, line, text } of SAMPLES) {
    for (const one of text.split("\n").filter((one) => one !== "" && !one.startsWith("$ "))) {
      assert(real.has(shape(one)), `${page}:${line}: ${shape(one)}\n${[...real].join("\n")}`);
      number++;
    }
  }
  assert(number > 20, `${number}`);
});

/** What a real program logs and answers under load. */
async function show(): Promise<string[]> {
  await using stack = new AsyncDisposableStack();
  const servers = [1, 2, 3].map(() => stack.use(new TestServer(respond)));
  const [first, second, third] = servers.map(({ port }) => `${port}`);
  const program = stack.use(
    await Program.spawn([
      ...["--admin", "127.0.0.1:0", "--workers", "4", "--log-level", "debug"],
      ...[`${freePort()}`, first!, second!, `${third},backup`],
    ]),
  );
  const admin = /admin API on ([\d.:]+)/.exec(await program.logged(/admin API on /))![1]!;
  const lines: string[] = [];
  const print = (line: string) => void lines.push(...line.split("\n"));
  const ending = new AbortController();
  const clients = Array.from({ length: CLIENTS }, () => visit(program.port, ending.signal));
  try {
    await until(() => program.out.length > CLIENTS, "sessions have ended");
    const waits = () => lines.some((line) => /oldest/.test(line));
    // A moment in which nobody waits looks different.
    for (let i = 0; i < 10 && !waits(); i++) await top([admin, "--once"], print);
    await ctl([admin, "drain", second!], print);
    for (let i = 0; i < 10; i++) await ctl([admin, "status"], print);
  } finally {
    ending.abort();
    await Promise.all(clients);
  }
  await program.terminate();
  return [...lines, ...program.log, ...program.log.map(message), ...program.out];
}

/** A line of the log without its time and level. */
function message(line: string): string {
  return line.replace(/^\S+ \[\w+\] iawlb: /, "");
}

async function respond(conn: Deno.Conn): Promise<void> {
  await conn.read(new Uint8Array(1024));
  await new Promise((resolve) => setTimeout(resolve, 20));
  await writeAll(conn, new Uint8Array(1024));
}

async function visit(port: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await writeAll(conn, new TextEncoder().encode("hello"));
    await readAll(conn);
  }
}
