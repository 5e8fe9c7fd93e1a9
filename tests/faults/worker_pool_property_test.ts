import { NO_TLS } from "../support/no_tls.ts";
// Destination set, worker pool and queue under random changes, with workers that behave like the real ones.
import { UNREPORTED } from "../../src/destinations/agent_report.ts";
import { assert } from "@std/assert";
import { getLogger } from "@logtape/logtape";
import { fc } from "../support/properties.ts";
import { type Audience, only, without } from "../../src/async/audience.ts";
import { monotonic } from "../../src/base/clock.ts";
import type { DestinationConfig } from "../../src/config/destination_text.ts";
import { Bindings } from "../../src/balancer/bindings.ts";
import { makePolicy } from "../../src/balancer/policies/policies.ts";
import type { Queue } from "../../src/balancer/queue.ts";
import { QueueOrder } from "../../src/balancer/queue_order.ts";
import { WorkerPool } from "../../src/balancer/worker_pool.ts";
import type { Destination } from "../../src/destinations/destination.ts";
import { Health } from "../../src/destinations/health.ts";
import { DestinationSet } from "../../src/destinations/destination_set.ts";
import { audienceOf, type Session } from "../../src/session/session.ts";
import { TaskGroup } from "../../src/async/task_group.ts";
import { OPTIONS, readSettings, type Settings } from "../../src/config/options.ts";
import { configOf } from "../support/config.ts";
import { queueOf, sessionOf } from "../support/queue.ts";

const ADMIN = ["ready", "ready", "drain", "maint"] as const;
const HEALTH = ["up", "untried", "suspect", "down"] as const;

interface Wanted {
  there: boolean;
  workers: number;
  weight: number;
  backup: number;
}

type Step =
  | { kind: "arrive"; number: number }
  | { kind: "reset"; which: number }
  | { kind: "bound"; to: number[] }
  | { kind: "group"; which: number; members: number[] }
  | { kind: "report"; which: number; share: number; slots: number | undefined }
  | { kind: "start"; which: number }
  | { kind: "pass"; ms: number }
  | { kind: "balance"; to: Balance; hashWait: number }
  | { kind: "order"; queueOrder: string; priority: string; newestFirst: boolean }
  | { kind: "finish"; number: number }
  | { kind: "configure"; wanted: Wanted[] }
  | { kind: "admin"; which: number; state: typeof ADMIN[number] }
  | { kind: "health"; which: number; state: typeof HEALTH[number]; checkFails: boolean };

type Balance = Settings["balance"];
const BALANCES = OPTIONS.balance.notation!.words as readonly Balance[];
/** Nobody is bound, or until the next turn, or for ever. */
const HASH_WAITS = [0, 1, 1_000_000] as const;

const wanted: fc.Arbitrary<Wanted> = fc.record({
  there: fc.boolean(),
  workers: fc.integer({ min: 1, max: 5 }),
  weight: fc.nat(4),
  backup: fc.nat(2),
});

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("arrive"), number: fc.nat(6) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("reset"), which: fc.nat(2) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("finish"), number: fc.nat(6) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("bound"),
      to: fc.uniqueArray(fc.nat(2), { minLength: 1, maxLength: 2 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("group"),
      which: fc.nat(1),
      members: fc.uniqueArray(fc.nat(2), { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("report"),
      which: fc.nat(2),
      share: fc.constantFrom(0, 0.3, 1, 1),
      slots: fc.constantFrom(1, 2, undefined),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("start"), which: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("pass"), ms: fc.nat(1200) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("balance"),
      to: fc.constantFrom(...BALANCES, "hash"),
      hashWait: fc.constantFrom(...HASH_WAITS),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("order"),
      queueOrder: fc.constantFrom("fifo", "fair"),
      priority: fc.constantFrom("none", "10.0.0.1=0,10.0.0.2,unix=3"),
      newestFirst: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("configure"),
      wanted: fc.array(wanted, { minLength: 3, maxLength: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("admin"),
      which: fc.nat(2),
      state: fc.constantFrom(...ADMIN),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("health"),
      which: fc.nat(2),
      state: fc.constantFrom(...HEALTH),
      checkFails: fc.boolean(),
    }),
  },
) as fc.Arbitrary<Step>;

/** Everything around the queue but sockets: sessions are numbers, and end when the test says so. */
class Scene {
  readonly queue: Queue;
  readonly order = new QueueOrder();
  readonly destinationSet: DestinationSet;
  readonly health: Health;
  readonly bindings: Bindings;
  readonly pool: WorkerPool;
  readonly busy: (() => void)[] = [];
  /** Sessions that a destination took although it had its full number already. */
  readonly excess: string[] = [];
  served = 0;
  sent = 0;
  /** Whether sessions may be bound. */
  binds: boolean;
  /** Whether the order is first in, first out, with no other order meanwhile. */
  #oldestFirst = true;
  /** What was so before the latest step: a session may have been taken before it and arrive after. */
  #before = new Map<Destination, { limit: number; out: boolean; last: boolean }>();
  /** Groups that sessions may be bound to, whose members change. */
  readonly #groups = [new Group(), new Group()];
  #now = 0;
  readonly #life = new AbortController();
  readonly #tasks = new TaskGroup((error) => this.excess.push(String(error)));

  constructor(balance: Balance, hashWait: number, capacity: number) {
    this.queue = queueOf({
      capacity,
      onWaiting: (sessions) => {
        this.pool.grow(sessions);
        this.bindings.watch();
      },
      bind: (sessions) => this.bindings.bind(sessions),
    });
    this.binds = balance === "hash" && hashWait > 0;
    const policy = makePolicy(balance, { hashWait });
    this.bindings = new Bindings({ policy, queue: this.queue, clock: monotonic });
    this.pool = new WorkerPool({
      queue: this.queue,
      policy,
      bindings: this.bindings,
      spawn: (destination) => this.#tasks.add(this.#work(destination)),
      onStranded: (session) => {
        this.queue.onAbort(session);
        this.served++;
        if (!session.moved) this.excess.push(`${session.id} sent away that was not moved`);
        if (this.pool.serves(session.audience!)) this.excess.push(`${session.id} sent away`);
      },
    });
    const clock = () => this.#now;
    this.health = new Health({
      workers: this.pool,
      isMissed: () => false,
      settings: { ...configOf(["0", "1"]), checkInterval: 1_000_000 },
      signal: this.#life.signal,
      clock,
      log: getLogger(["test", "quiet"]),
      tasks: this.#tasks,
    });
    // Nobody is tried.
    this.health.close();
    this.destinationSet = new DestinationSet({
      pool: this.pool,
      health: this.health,
      tasks: this.#tasks,
      clock,
    });
  }

  /** As `worker.ts` does it. */
  async #work(destination: Destination): Promise<void> {
    if (destination.workers >= destination.limit) {
      this.excess.push(`spawned for ${destination.name}`);
    }
    if (isOut(destination)) this.excess.push(`spawned for ${destination.name}, taken out`);
    if (this.isPassedOver(destination)) {
      this.excess.push(`spawned for ${destination.name}, passed over`);
    }
    destination.workers++;
    try {
      do {
        let session: Session;
        const oldest = this.#oldestFor(destination);
        try {
          session = await this.queue.receive(destination);
        } catch {
          return;
        }
        if (oldest && session !== oldest) this.excess.push(`${session.id} before ${oldest.id}`);
        destination.active++;
        const audience = audienceOf(session);
        const had = audience instanceof Group && audience.had(destination);
        if (audience?.has(destination) === false && !had) {
          this.excess.push(`${session.id} at ${destination.name}`);
        }
        const { name, active, enabled } = destination;
        const before = this.#before.get(destination);
        const limit = Math.max(destination.limit, before?.limit ?? 0);
        if (enabled && active > limit) this.excess.push(`${active} sessions at ${name}`);
        if (isOut(destination) && before?.out) {
          this.excess.push(`${session.id} at ${name}, taken out`);
        }
        if (this.isPassedOver(destination) && before?.last) {
          this.excess.push(`${session.id} at ${name}, passed over`);
        }
        await new Promise<void>((resolve) => this.busy.push(resolve));
        this.served++;
        destination.active--;
      } while (this.pool.keeps(destination));
    } finally {
      destination.workers--;
    }
  }

  /** The session that has waited longest of those that a destination may have, if that is next. */
  #oldestFor(destination: Destination): Session | undefined {
    if (!this.#oldestFirst) return undefined;
    for (const session of this.queue.sessions) {
      if (audienceOf(session)?.has(destination) !== false) return session;
    }
    return undefined;
  }

  /** Whether one more session may go there now. */
  isFree(destination: Destination): boolean {
    return destination.hasRoom && !isOut(destination) && !this.isPassedOver(destination);
  }

  /** Whether it serves nobody because another one is up, or of a lower tier, or it cannot. */
  isPassedOver({ usable, onlyCheckFails, config: { backup } }: Destination): boolean {
    const there = this.destinationSet.all.filter((one) => !isOut(one));
    const up = there.filter((one) => one.usable);
    if (!usable && (!onlyCheckFails || up.length > 0)) return true;
    const others = usable ? up : there.filter((one) => one.onlyCheckFails);
    return others.some((one) => one.config.backup < backup);
  }

  run(step: Step): void {
    const all = this.destinationSet.all;
    this.#before = new Map(all.map((one) => {
      // Destinations change one after the other, and any of them may serve in between.
      const last = step.kind !== "configure" && this.isPassedOver(one);
      return [one, { limit: one.limit, out: isOut(one), last }];
    }));
    for (const group of this.#groups) group.before = group.members;
    switch (step.kind) {
      case "arrive":
        this.queue.join(Array.from({ length: step.number }, () => this.#arrival()));
        break;
      case "bound": {
        const members = step.to.flatMap((i) => all[i % all.length] ?? []);
        if (members.length === 0) break;
        const audience = members.length === 1 ? only(members[0]!) : new Set(members);
        this.queue.join([this.#arrival({ audience })]);
        break;
      }
      case "group": {
        const group = this.#groups[step.which]!;
        group.members = new Set(step.members);
        this.queue.join([this.#arrival({ audience: group })]);
        // Whoever has changed it says so, as nobody else knows.
        this.pool.arrange();
        break;
      }
      case "report": {
        const one = all[step.which];
        if (one) one.agent = { ...UNREPORTED, share: step.share, slots: step.slots };
        break;
      }
      case "start": {
        const one = all[step.which];
        if (!one) break;
        one.startSlowly(1000);
        this.pool.arrange(one);
        break;
      }
      case "pass":
        this.#now += step.ms;
        // As the timers of the slow starts do it.
        for (const one of all) this.pool.arrange(one);
        break;
      case "balance":
        this.binds = step.to === "hash" && step.hashWait > 0;
        this.pool.use(makePolicy(step.to, step));
        break;
      case "reset": {
        // One that was served has been reset, and comes back as the worker would have it.
        const avoided = all[step.which % all.length];
        if (!avoided) break;
        const audience = without(undefined, avoided);
        if (!this.pool.serves(audience)) break;
        this.queue.giveBack(this.#arrival({ audience, moved: true }));
        break;
      }
      case "finish":
        for (const end of this.busy.splice(0, step.number)) end();
        break;
      case "configure": {
        const configs = step.wanted.flatMap(({ there, ...rest }, i): DestinationConfig[] => {
          const address = { transport: "tcp", hostname: "127.0.0.1", port: 1 + i } as const;
          const options = {
            ...rest,
            "workers-max": 256,
            check: null,
            sni: [],
            alpn: [],
            "agent-check": null,
            "send-proxy": "off",
            ...NO_TLS,
          } as const;
          return there ? [{ ...options, address, key: `${i}`, name: `${i}` }] : [];
        });
        // As the balancer does it, but in one turn.
        for (const changed of this.destinationSet.apply(configs, { 0: 1, 1: 2, 2: 3 })) {
          if (changed) this.pool.arrange(changed);
        }
        this.pool.arrange();
        break;
      }
      case "order": {
        const { queueOrder, priority, newestFirst } = step;
        this.queue.reorder(this.order.lanes(readSettings({ queueOrder, priority })));
        this.queue.newestFirst = newestFirst;
        this.#oldestFirst = queueOrder === "fifo" && priority === "none" && !newestFirst;
        break;
      }
      case "admin": {
        const one = all[step.which];
        if (!one || one.leaving) break;
        one.admin = step.state;
        // As a review does, but for the probe: the steps say how a destination is.
        this.pool.arrange();
        break;
      }
      case "health": {
        const one = all[step.which];
        if (!one) break;
        one.state = step.state;
        one.onlyCheckFails = step.checkFails && !one.usable;
        this.pool.arrange();
        break;
      }
    }
  }

  /** Clients have one of a few addresses, and one of them has none. */
  #arrival(options: { audience?: Audience; moved?: boolean } = {}): Session {
    const client = ++this.sent % 8;
    const address = client === 0 ? {} : { client: `10.0.0.${client}` };
    return sessionOf(this.sent, { ...options, ...address });
  }

  /** Ends sessions that are bound to nobody who is still there. */
  giveUpHopeless(): void {
    const { all } = this.destinationSet;
    for (const session of [...this.queue.sessions]) {
      const { audience } = session;
      if (!audience || all.some((one) => !one.leaving && audience.has(one))) continue;
      this.queue.onAbort(session);
      this.served++;
    }
  }

  async end(): Promise<void> {
    this.#life.abort();
    this.pool.stop();
    this.bindings.stop();
    this.health.close();
    this.queue.lift();
    this.queue.close();
    this.destinationSet.dismiss();
    while (this.busy.length > 0 || this.queue.size > 0) {
      for (const end of this.busy.splice(0)) end();
      for (const session of [...this.queue.sessions]) this.queue.onAbort(session);
      await settled();
    }
    await this.#tasks.idle();
  }
}

/** Whether nobody new may go there, whatever its health. */
function isOut({ admin, leaving, weight }: Destination): boolean {
  return admin !== "ready" || leaving || weight === 0;
}

/** Some destinations by their numbers, whichever these are at the moment. */
class Group implements Audience {
  members = new Set<number>();
  /** Who belonged to it before the latest step. */
  before = this.members;

  has(taker: object): boolean {
    return this.members.has((taker as Destination).number % 3);
  }

  had(taker: Destination): boolean {
    return this.before.has(taker.number % 3);
  }
}

/** Lets everything happen that needs no more than promises. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

// Without the size they would be about ten.
const STEPS = fc.array(step, { maxLength: 60, size: "max" });
const BALANCE = fc.constantFrom(...BALANCES, "hash", "hash");
const WAIT = fc.constantFrom(...HASH_WAITS);
/** With the smallest one most sessions have no room in the queue at first. */
const CAPACITY = fc.constantFrom(1, 4, 10_000);

const ABSENT = { there: false, workers: 1, weight: 0, backup: 0 };

/** Cases that went wrong once, and that others came upon rarely. */
const FOUND: [Step[], boolean, Balance, number, number][] = [
  // Whoever is idle may have those that wait already, since their group has other members.
  [
    [
      {
        kind: "configure",
        wanted: [ABSENT, ABSENT, { ...ABSENT, there: true, workers: 2, weight: 2 }],
      },
      { kind: "group", which: 0, members: [1] },
      { kind: "group", which: 0, members: [0] },
    ],
    false,
    "fifo",
    0,
    1,
  ],
];

Deno.test("whatever changes, nobody waits while there is room, and no limit is exceeded", async () => {
  await fc.assert(
    fc.asyncProperty(
      STEPS,
      fc.boolean(),
      BALANCE,
      WAIT,
      CAPACITY,
      async (steps, settles, balance, wait, capacity) => {
        const scene = new Scene(balance, wait, capacity);
        try {
          for (const one of steps) {
            scene.run(one);
            // Sometimes several changes come in one turn.
            if (settles) await settled();
            else await Promise.resolve();
            if (settles) assertSettled(scene);
          }
          await settled();
          assertSettled(scene);
          // Removed ones end, and all that waits is served once somebody may.
          scene.run({ kind: "pass", ms: 1000 });
          await settled();
          const wanted = { there: true, workers: 2, weight: 1, backup: 0 };
          scene.run({ kind: "configure", wanted: [wanted, wanted, wanted] });
          await settled();
          for (const which of [0, 1, 2]) {
            scene.run({ kind: "report", which, share: 1, slots: undefined });
            scene.run({ kind: "admin", which, state: "ready" });
            scene.run({ kind: "health", which, state: "up", checkFails: false });
          }
          for (let i = 0; scene.served < scene.sent; i++) {
            scene.giveUpHopeless();
            assert(i < 1000, `${scene.served} of ${scene.sent} served`);
            scene.run({ kind: "finish", number: 100 });
            await settled();
            assertSettled(scene);
          }
          scene.run({ kind: "balance", to: "fifo", hashWait: 0 });
          await settled();
          const { all } = scene.destinationSet;
          assert(all.length === 3, `${all.length} destinations are left`);
          for (const { workers } of all) assert(workers >= 1 && workers <= 2, `${workers} workers`);
        } finally {
          await scene.end();
        }
      },
    ),
    { numRuns: 150, examples: FOUND },
  );
});

function assertSettled(scene: Scene): void {
  const { queue, pool, excess, destinationSet, binds } = scene;
  const free = destinationSet.all.filter((one) => scene.isFree(one));
  for (const session of queue.sessions) {
    const better = free.find((one) => audienceOf(session)?.has(one) !== false);
    assert(!better, `${session.id} waits although ${better?.name} has a free slot`);
    assert(!pool.hasRoomFor(session), `there is room for ${session.id}, who waits`);
  }
  assert(excess.length === 0, excess.join());
  for (const { id, bound, audience } of [...queue.sessions, ...queue.suspendedSessions]) {
    if (!bound) continue;
    assert(binds, `${id} is bound, and nobody binds`);
    assert(pool.serves(bound), `${id} is bound to one that does not serve`);
    assert(audience?.has(bound.only!) !== false, `${id} is bound to one that must not have it`);
  }
  for (const one of destinationSet.all) {
    const { name, workers, active, limit, enabled, state } = one;
    const idle = workers - active;
    assert(idle === 0 || !queue.hasFor(one), `a session waits for an idle worker of ${name}`);
    assert(idle === 0 || workers <= limit, `${name} has ${idle} waiting beyond its limit`);
    assert(
      idle === 0 || (enabled && !isOut(one) && !scene.isPassedOver(one)),
      `${name} has ${idle} waiting although ${state}`,
    );
  }
}
