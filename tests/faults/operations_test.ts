// The real program under load while operators change everything about it at random.
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Status } from "../../src/operations/operations.ts";
import type { ListenerStatus } from "../../src/operations/listener_status.ts";
import { MixedLoad, NamedEcho } from "../support/mixed_load.ts";
import { RandomOperator, settledFile, type Site } from "../support/operator.ts";
import { hasProc, nothingLeft, openDescriptors, residentMemory } from "../support/process.ts";
import { Program } from "../support/program.ts";
import { Random } from "../support/random.ts";
import { freePort, until } from "../support/servers.ts";

/** How long operators work, in seconds. */
const SECONDS = Number(Deno.env.get("IAWLB_OPERATIONS_SECONDS") ?? 20);
const SEED = Number(Deno.env.get("IAWLB_OPERATIONS_SEED") ?? Math.floor(Math.random() * 2 ** 32));

const MIB = 1024 * 1024;
const CLIENTS = 12;
const OPERATORS = 3;

/** A program with two listeners, clients of both and of a third one, and operators. */
async function setUp(stack: AsyncDisposableStack, options: { threads: number; flags?: string[] }) {
  const { threads, flags = [] } = options;
  const random = new Random(SEED);
  const load = new MixedLoad(random);
  const site = (number: number): Site => ({
    port: freePort(),
    echoes: Array.from({ length: number }, () => stack.use(new NamedEcho(load))),
  });
  const sites = [site(4), site(4)];
  const guest = site(2);
  const path = await Deno.makeTempFile({ prefix: "iawlb-", suffix: ".toml" });
  stack.defer(() => Deno.remove(path));
  await Deno.writeTextFile(path, settledFile(sites, threads));
  const program = stack.use(
    await Program.spawn([
      ...["--config", path, "--admin", "127.0.0.1:0", "--log-format", "json"],
      ...flags,
    ]),
  );
  const admin = /admin API on ([\d.:]+)/.exec(await program.logged(/admin API on/))![1]!;
  const operators = Array.from({ length: OPERATORS }, () => {
    return new RandomOperator({ program, admin, path, sites, guest, load, random, threads });
  });
  const clients = [...sites, guest].flatMap(({ port }) => {
    const comesAndGoes = port === guest.port;
    return Array.from({ length: CLIENTS }, () => load.client(port, { comesAndGoes }));
  });
  const destinations = [...sites, guest].flatMap(({ echoes }) => echoes.map(({ port }) => port));
  return { program, admin, load, operators, clients, guest, destinations };
}

/** What must hold of every status and of all of them together. */
class Auditor {
  readonly faults: string[] = [];
  looks = 0;
  readonly #admin: string;
  readonly #guest: string;
  readonly #names = new Map<string, string>();
  #counters = new Map<string, number>();
  readonly #less: { series: string; what: string; since: number; until: number }[] = [];
  #lookedAt = 0;

  /** @param options.guest The name of the listener that comes and goes. */
  constructor(options: { admin: string; guest: string }) {
    this.#admin = options.admin;
    this.#guest = options.guest;
  }

  async look(): Promise<void> {
    const base = `http://${this.#admin}`;
    this.#auditStatus(await (await fetch(`${base}/status`)).json());
    // What is answered may be 200 ms old.
    const began = Date.now() - 300;
    this.#auditMetrics(await (await fetch(`${base}/metrics`)).text());
    this.#lookedAt = began;
    this.looks++;
  }

  #auditStatus({ listeners }: Status): void {
    for (const listener of listeners) {
      const live = liveOf(listener);
      if (live < listener.waiting + listener.active) {
        this.faults.push(`${listener.name}: ${live} live, but ${JSON.stringify(listener)}`);
      }
      for (const { id, name } of listener.destinations) {
        const before = this.#names.get(id) ?? name;
        if (before !== name) this.faults.push(`${id} was ${before} and is ${name}`);
        this.#names.set(id, name);
      }
    }
  }

  /** Counters never become less, unless what they count for was removed and added again. */
  #auditMetrics(text: string): void {
    const counters = new Map<string, number>();
    for (
      const [, series, value] of text.matchAll(/^(\w+_(?:total|bucket|count|sum)\S*) (\S+)$/gm)
    ) {
      counters.set(series!, Number(value));
    }
    if (counters.size < 100) this.faults.push(`only ${counters.size} counters`);
    for (const [series, value] of counters) {
      const before = this.#counters.get(series);
      if (before === undefined || value >= before - 1e-9) continue;
      if (series.includes(`listener="${this.#guest}"`)) continue;
      this.#less.push({
        series,
        what: `was ${before} and is ${value}`,
        since: this.#lookedAt,
        until: Date.now(),
      });
    }
    this.#counters = counters;
  }

  /** Counters that became less although what they count for was not added again meanwhile. */
  lessWithoutReason(log: readonly string[]): string[] {
    const added = log.filter((line) => line.includes(" added")).map((line) => {
      return { line, at: Date.parse(JSON.parse(line).time) };
    });
    return this.#less.filter(({ series, since, until }) => {
      const [, destination] = /destination="([^"]*)"/.exec(series) ?? [];
      return !added.some(({ line, at }) => {
        return line.includes(`destination ${destination} added`) && at >= since && at <= until + 50;
      });
    }).map(({ series, what }) => `${series} ${what}`);
  }
}

function liveOf({ accepted, ended }: ListenerStatus): number {
  return accepted - Object.values(ended).reduce((sum, number) => sum + number, 0);
}

for (const threads of [1, 2]) {
  Deno.test(`${SECONDS} s of operations under load lose no session, ${threads} thread(s)`, {
    ignore: !hasProc,
  }, async () => {
    await using stack = new AsyncDisposableStack();
    const { program, admin, load, operators, clients, guest, destinations } = await setUp(stack, {
      threads,
    });
    const auditor = new Auditor({ admin, guest: `127.0.0.1:${guest.port}` });
    const looking = (async () => {
      while (!load.stopped) {
        await auditor.look();
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    })();
    const working = operators.map((operator) => operator.work());
    const descriptors = openDescriptors(program.pid);
    await new Promise((resolve) => setTimeout(resolve, SECONDS * 500));
    const memory = residentMemory(program.pid);
    await new Promise((resolve) => setTimeout(resolve, SECONDS * 500));
    load.stop();
    await Promise.all([...working, looking, ...clients]);
    const [operator] = operators;
    await operator!.settle();
    await until(async () => {
      const { listeners } = await operator!.status();
      return listeners.length === 2 && listeners.every(isQuiet);
    }, "all is quiet");
    const { listeners } = await operator!.status();
    const operations = operators.reduce((sum, one) => sum + one.operations, 0);
    const growth = Math.round((residentMemory(program.pid) - memory) / MIB);
    const after = openDescriptors(program.pid);
    console.log(`  ${JSON.stringify({ ...load.tally, operations, looks: auditor.looks })}`);
    console.log(
      `  ${growth} MiB more in the second half; descriptors ${descriptors}, then ${after}`,
    );
    const where = `seed ${SEED}`;
    assertEquals(load.lost, [], `${where}\n${program.log.slice(-50).join("\n")}`);
    assertEquals(auditor.faults, [], where);
    assertEquals(auditor.lessWithoutReason(program.log), [], where);
    assertEquals(operators.flatMap(({ surprises }) => surprises), [], where);
    assertEquals(program.log.filter((line) => /defect|alarm/.test(line)), [], where);
    for (const { destinations } of listeners) {
      assertEquals(
        destinations.map(({ admin, limit }) => [admin, limit]),
        Array(4).fill(["ready", 8]),
      );
    }
    assert(load.tally.requests > SECONDS && operations > SECONDS, where);
    assert(growth < 64 * threads, where);
    // Connections of those who ask are kept open for a while.
    assert(after < descriptors + 20, where);
    await nothingLeft(program.pid, { destinations, descriptors, more: 20 });
    assertEquals(await program.terminate(), 0, where);
  });
}

/** Whether nothing goes on, and everything is as the configuration says. */
function isQuiet(listener: ListenerStatus): boolean {
  const { waiting, active, destinations } = listener;
  if (liveOf(listener) + waiting + active > 0) return false;
  return destinations.every((one) =>
    one.state === "up" && !one.leaving && one.workers <= one.limit
  );
}

for (const [threads, drainTimeout] of [[1, 10_000], [1, 300], [2, 300]] as const) {
  Deno.test(
    `SIGTERM in the middle of operations ends within ${drainTimeout} ms, ${threads} thread(s)`,
    {
      ignore: !hasProc,
    },
    async () => {
      await using stack = new AsyncDisposableStack();
      const flags = ["--drain-timeout", `${drainTimeout}ms`];
      const { program, load, operators, clients } = await setUp(stack, { threads, flags });
      const working = operators.map((operator) => operator.work().catch(() => {}));
      await new Promise((resolve) => setTimeout(resolve, 500 + new Random(SEED).below(1500)));
      program.signal("SIGTERM");
      const began = performance.now();
      await program.logged(/draining: /);
      const code = await program.ended();
      const took = performance.now() - began;
      load.stop();
      await Promise.all([...working, ...clients]);
      const cut = program.out.filter((line) => line.includes('"drain-timeout"')).length;
      assertEquals(code, cut > 0 ? 1 : 0, `${cut} cut, seed ${SEED}`);
      assert(took < drainTimeout + 15_000, `${took} ms, seed ${SEED}`);
    },
  );
}

Deno.test("SIGTERM ends it although a reload cannot read the file to its end", {
  ignore: Deno.build.os === "windows",
}, async () => {
  const load = new MixedLoad(new Random(SEED));
  await using echo = new NamedEcho(load);
  const folder = await Deno.makeTempDir({ prefix: "iawlb-" });
  const path = `${folder}/iawlb.toml`;
  const content = settledFile([{ port: freePort(), echoes: [echo] }], 1);
  await Deno.writeTextFile(path, content);
  await using program = await Program.spawn(["--config", path, "--log-format", "json"]);
  // It is read again as long as it changes meanwhile.
  let changes = 0;
  const changing = setInterval(() => Deno.utimeSync(path, 0, ++changes), 5);
  try {
    program.signal("SIGHUP");
    // Signals are heard in their order.
    await program.status();
    assertEquals(await program.terminate(), 0);
  } finally {
    clearInterval(changing);
  }
  const refused = program.log.filter((line) => line.includes("reload refused"));
  assertEquals(refused.length, 1);
  assertMatch(refused[0]!, /the program is draining/);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a signal that comes between the drain and the exit does not change how it ends", {
  ignore: Deno.build.os === "windows",
}, async () => {
  const load = new MixedLoad(new Random(SEED));
  await using echo = new NamedEcho(load);
  await using program = await Program.start([echo.address], ["--admin", "127.0.0.1:0"]);
  const admin = /admin API on ([\d.:]+)/.exec(await program.logged(/admin API on/))![1]!;
  const [hostname, port] = admin.split(":");
  // A request whose body does not come delays the exit.
  using conn = await Deno.connect({ hostname: hostname!, port: Number(port) });
  const head = `Host: ${admin}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n`;
  const requests =
    `GET /healthz HTTP/1.1\r\nHost: ${admin}\r\n\r\nPOST /reload HTTP/1.1\r\n${head}`;
  await conn.write(new TextEncoder().encode(requests));
  await conn.read(new Uint8Array(1000));
  program.signal("SIGTERM");
  await program.logged(/drained, nothing was cut/);
  for (const signal of ["SIGHUP", "SIGUSR1", "SIGUSR2", "SIGTERM", "SIGINT"] as const) {
    try {
      program.signal(signal);
    } catch {
      // It has ended already.
    }
  }
  assertEquals(await program.ended(), 0, program.log.at(-1));
});
