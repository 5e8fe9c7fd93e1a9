import { assert, assertEquals } from "@std/assert";
import { cpuSeconds, hasProc } from "../support/process.ts";
import { Program } from "../support/program.ts";
import { answer, request, TestServer } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

const SERVER = new URL("../support/small_backlog.py", import.meta.url).pathname;
const OBSTACLES = { "Linux only": !hasProc, "there is no python3": !await hasPython() };

async function hasPython(): Promise<boolean> {
  const python = new Deno.Command("python3", { args: ["-c", ""] });
  return await python.output().then(({ success }) => success, () => false);
}

/** A server that can be full; see `small_backlog.py`. */
class SmallServer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #folder: string;

  private constructor(child: Deno.ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
  }

  static async start(options: { backlog: number; seconds: number }): Promise<SmallServer> {
    const folder = await Deno.makeTempDir();
    const args = [SERVER, `${folder}/s`, `${options.backlog}`, `${options.seconds}`];
    const child = new Deno.Command("python3", { args, stdout: "piped" }).spawn();
    const server = new SmallServer(child, folder);
    for await (const _ of child.stdout.values({ preventCancel: true })) break;
    return server;
  }

  get address(): string {
    return `unix:${this.#folder}/s`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    await Promise.all([this.#child.status, this.#child.stdout.cancel()]);
    await Deno.remove(this.#folder, { recursive: true });
  }
}

Deno.test(
  unless(
    "a destination that is full keeps its sessions waiting and stays up, whatever the retries",
    OBSTACLES,
  ),
  async () => {
    await using server = await SmallServer.start({ backlog: 2, seconds: 0.01 });
    await using program = await Program.start(
      [server.address],
      ["--retries", "0", "--check", "tcp", "--check-interval", "20ms"],
    );
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => request(program.port, "hello")),
    );
    assertEquals(answers.filter((text) => text !== "ok"), []);
    const { destinations: [{ state, failures }] } = await program.status();
    assertEquals([state, failures], ["up", 0]);
    assertEquals(await program.terminate(), 0);
    assertEquals(program.access().filter(({ reason }) => reason !== "done"), []);
    assert(program.log.filter((line) => line.includes("is full")).length <= 1);
  },
);

Deno.test(
  unless("while one destination is full another takes the sessions", OBSTACLES),
  async () => {
    await using stuck = await SmallServer.start({ backlog: 0, seconds: 60 });
    await using other = new TestServer(answer("other"));
    await using program = await Program.start([`${stuck.address},workers=8`, other.address]);
    const pending: Promise<string>[] = [];
    // Some are stuck in the backlog; all others get an answer.
    const others = Promise.withResolvers<void>();
    let answered = 0;
    for (let i = 0; i < 60; i++) {
      const asked = request(program.port, "hello").then((text) => {
        if (text === "other" && ++answered === 50) others.resolve();
        return text;
      });
      pending.push(asked.catch(() => "cut"));
    }
    await others.promise;
    const { destinations: [{ state }] } = await program.status();
    assertEquals(state, "up");
    await program[Symbol.asyncDispose]();
    await Promise.all(pending);
  },
);

Deno.test(
  unless("only --queue-timeout ends the wait for a destination that stays full", OBSTACLES),
  async () => {
    await using stuck = await SmallServer.start({ backlog: 0, seconds: 60 });
    await using program = await Program.start(
      [stuck.address],
      ["--queue-timeout", "1500ms", "--idle-timeout", "3s", "--retries", "0"],
    );
    const began = cpuSeconds(program.pid);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => request(program.port, "hello").catch(() => "")),
    );
    assertEquals(answers.filter((text) => text !== ""), []);
    const used = cpuSeconds(program.pid) - began;
    assert(used < 2, `${used} s of CPU in the 3 s of waiting`);
    const reasons = (await program.entries(20)).map(({ reason }) => reason);
    assert(reasons.includes("queue-timeout"));
    assertEquals(reasons.filter((one) => !["queue-timeout", "idle-timeout"].includes(one)), []);
    const { destinations: [{ state }] } = await program.status();
    assertEquals(state, "up");
  },
);
