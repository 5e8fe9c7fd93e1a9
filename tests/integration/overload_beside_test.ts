// --when-overloaded beside everything else that says who waits, for how long and in which order: one
// program with a listener for each, all of them overloaded at once.
import { assert, assertEquals } from "@std/assert";
import { TestFile } from "../support/config_file.ts";
import { BUSY, Crowd, Regular, slowServer, visit } from "../support/crowd.ts";
import { Program } from "../support/program.ts";
import { freePort, until } from "../support/servers.ts";

const SERVICE_MS = 20;
const PATIENCE_MS = 500;
/** Whoever is no crowd has all the time there is. */
const PATIENT_MS = 60_000;

/** Most that wait. */
const QUEUE = 24;

const PROXY = 'accept-proxy = ["127.0.0.1"]\n';

/** What each listener has, beside the mode: lines of its table. */
const LISTENERS = {
  hash: `balance = "hash"\nhash-wait = "1m"\n${PROXY}`,
  fair: `queue-order = "fair"\n${PROXY}`,
  priority: `priority = ["10.9.0.0/16=0"]\n${PROXY}`,
  batch: 'batch-size = 4\nbatch-delay = "10ms"\nhalf-close = "keep"\n',
  reject: 'overflow = "reject"\nmax-wait = "5s"\n',
  timeout: 'queue-timeout = "150ms"\n',
  unix: 'half-close = "abandon"\n',
  idle: "",
} as const;

type Name = keyof typeof LISTENERS;
const NAMES = Object.keys(LISTENERS) as Name[];

/** Those whose clients finish sending when they lose patience, and still read. */
const HALF_CLOSED: readonly Name[] = ["batch", "unix"];

/** One who comes alone. */
const CALM = "10.9.0.1";

/** A program that is overloaded at all its listeners but one. */
class Scene implements AsyncDisposable {
  readonly program: Program;
  readonly addresses: Readonly<Record<Name, string>>;
  readonly #stack: AsyncDisposableStack;

  private constructor(
    program: Program,
    given: { addresses: Record<Name, string>; stack: AsyncDisposableStack },
  ) {
    this.program = program;
    this.addresses = given.addresses;
    this.#stack = given.stack;
  }

  static async start(mode: "shed" | "newest"): Promise<Scene> {
    await using stack = new AsyncDisposableStack();
    const folder = await Deno.makeTempDir({ prefix: "iawlb-" });
    stack.defer(() => Deno.remove(folder, { recursive: true }));
    await Deno.writeTextFile(`${folder}/busy`, BUSY);
    const server = () => stack.use(slowServer(SERVICE_MS)).address;
    const addresses = {} as Record<Name, string>;
    const tables = NAMES.map((name) => {
      const listen = name === "unix" ? `unix:${folder}/listen` : `127.0.0.1:${freePort()}`;
      addresses[name] = listen;
      const servers = name === "hash" ? [server(), server()] : [server()];
      return `[[listener]]\nlisten = "${listen}"\ndestinations = ${JSON.stringify(servers)}\n` +
        `reject-with = "${folder}/busy"\n${LISTENERS[name]}`;
    });
    const file = stack.use(
      new TestFile(
        `when-overloaded = "${mode}"\nworkers = 1\nqueue = ${QUEUE}\nlog-format = "json"\n` +
          `access-log = "on"\n${tables.join("")}`,
      ),
    );
    const program = stack.use(await Program.spawn(["--config", file.path]));
    await until(
      () => program.log.filter((line) => line.includes("listening on")).length === NAMES.length,
      "all listeners are there",
    );
    return new Scene(program, { addresses, stack: stack.move() });
  }

  connect(name: Name): () => Promise<Deno.Conn> {
    const address = this.addresses[name];
    if (address.startsWith("unix:")) {
      return () => Deno.connect({ transport: "unix", path: address.slice("unix:".length) });
    }
    return () => Deno.connect({ hostname: "127.0.0.1", port: Number(address.split(":")[1]) });
  }

  /** The statuses by listener. */
  // deno-lint-ignore no-explicit-any -- tests pick what they look at
  async statuses(): Promise<Record<Name, any>> {
    const before = this.program.log.length;
    this.program.signal("SIGUSR1");
    const find = () => this.program.log.slice(before).filter((line) => line.includes('"status: '));
    await until(() => find().length === NAMES.length, "the statuses are in the log");
    const all = find().map((line) => JSON.parse(JSON.parse(line).status));
    return Object.fromEntries(NAMES.map((name) => {
      return [name, all.find((status) => status.name === this.addresses[name])];
      // deno-lint-ignore no-explicit-any -- as above
    })) as Record<Name, any>;
  }

  /** Ends it, and looks whether each session that was accepted ended once, in the log and the sums. */
  async audit(): Promise<void> {
    const statuses = await this.statuses();
    assertEquals(await this.program.terminate(), 0);
    for (const name of NAMES) {
      const entries = this.program.access().filter(({ listener }) => {
        return listener === this.addresses[name];
      });
      const ids = new Set(entries.map(({ id }) => id));
      assertEquals(ids.size, entries.length, `${name}: each session is logged once`);
      const { accepted, ended } = statuses[name];
      const sum = Object.values<number>(ended).reduce((sum, number) => sum + number, 0);
      assertEquals(sum, accepted, `${name}: the sums add up`);
      const admitted = accepted - (ended["refused-overflow"] ?? 0);
      assertEquals(entries.length, admitted, `${name}: each one that was admitted is logged`);
      const drained = this.program.log.find((line) => {
        return line.includes(`iawlb.${this.addresses[name]}"`) && line.includes("drained,");
      })!;
      assertEquals(/"(\d+) accepted/.exec(drained)?.[1], `${accepted}`, drained);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }
}

/** A client for each of the two servers: clients are bound to them by their addresses. */
async function oneForEach(scene: Scene): Promise<[string, string]> {
  const found = new Map<string, string>();
  for (let i = 0; found.size < 2; i++) {
    const client = `10.8.0.${i}`;
    await visit(scene.connect("hash"), { client, patience: PATIENT_MS });
    const entries = await scene.program.entries(i + 1);
    found.set(entries.at(-1)!.destination!, client);
  }
  return [...found.values()] as [string, string];
}

for (const mode of ["shed", "newest"] as const) {
  Deno.test(`--when-overloaded ${mode} with hash, turns, classes, batches, rejection, timeouts and UNIX sockets`, async () => {
    await using scene = await Scene.start(mode);
    const { program } = scene;
    const [busy, calm] = await oneForEach(scene);
    {
      await using stack = new AsyncDisposableStack();
      const crowds = {} as Record<Name, Crowd>;
      for (const name of NAMES) {
        if (name === "idle") continue;
        const many = (number: number) => `10.7.0.${number % 250}`;
        const client = { hash: () => busy, fair: () => "10.7.0.1", priority: many };
        crowds[name] = stack.use(
          new Crowd(scene.connect(name), {
            every: 2 * SERVICE_MS,
            number: 6,
            patience: PATIENCE_MS,
            halfCloses: HALF_CLOSED.includes(name),
            ...name in client && { client: client[name as keyof typeof client] },
          }),
        );
      }
      const regulars = {
        hash: stack.use(
          new Regular(scene.connect("hash"), { client: calm, patience: PATIENT_MS }),
        ),
        idle: stack.use(new Regular(scene.connect("idle"), { patience: PATIENT_MS })),
        fair: stack.use(
          new Regular(scene.connect("fair"), { client: CALM, patience: PATIENT_MS }),
        ),
        priority: stack.use(
          new Regular(scene.connect("priority"), { client: CALM, patience: PATIENT_MS }),
        ),
      };
      await until(async () => {
        const all = await scene.statuses();
        const enough = NAMES.every((name) => {
          if (name === "idle") return true;
          const reason = name === "timeout" ? "queue-timeout" : "shed";
          return all[name].ended[reason] >= 5 && crowds[name].fates.answered >= 5;
        });
        return enough && Object.values(regulars).every(({ fates }) => fates.answered >= 5);
      }, "all of them shed");
      const { hash, idle, fair, priority } = regulars;
      // Their destinations have a slot for them, whatever goes on elsewhere.
      for (const { fates } of [hash, idle]) {
        assertEquals({ ...fates, answered: 0 }, { answered: 0, told: 0, closed: 0, left: 0 });
      }
      // It is not they who are too many, unless the machine had no time for them.
      for (const [name, { fates }] of Object.entries({ fair, priority })) {
        assert(fates.told <= fates.answered / 2, `${name}: ${JSON.stringify(fates)}`);
      }
    }
    const all = await scene.statuses();
    // Where all are turned away before they lose patience none is seen, and nobody is shed.
    for (const name of NAMES) {
      const sees = name !== "idle" && name !== "timeout";
      assertEquals([name, all[name].patience_ms > 0], [name, sees]);
      if (!sees) assertEquals(all[name].ended.shed ?? 0, 0);
    }
    await until(async () => {
      const all = Object.values(await scene.statuses());
      return all.every(({ waiting, active }) => waiting + active === 0);
    }, "all have left");
    const shed = program.log.filter((line) => line.includes("overloaded: "));
    assert(shed.length > 0 && shed.length < 100, `${shed.length} lines about it`);
    await scene.audit();
  });
}
