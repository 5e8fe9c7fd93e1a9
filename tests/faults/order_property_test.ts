import { assert, assertEquals } from "@std/assert";
import { fc } from "../support/properties.ts";
import { type Audience, only, without } from "../../src/async/audience.ts";
import { Channel } from "../../src/async/channel.ts";
import { CLASS_SHARES, classLanes } from "../../src/async/class_lane.ts";
import { fairLanes } from "../../src/async/fair_lane.ts";
import { fifoLanes } from "../../src/async/fifo_lane.ts";
import type { LaneMaker } from "../../src/async/lane.ts";

interface Item {
  readonly client: number;
  readonly of: number;
  readonly age: number;
  turn: number;
  audience: Audience | undefined;
}

const fair: LaneMaker<Item> = fairLanes({
  clientOf: ({ client }) => client,
  noteTurn: (item, turn) => item.turn = turn,
  turnOf: ({ turn }) => turn,
});
const classOf = ({ of }: Item) => of;

function channelOf(lanes: LaneMaker<Item>): Channel<Item> {
  return new Channel(1_000_000, {
    order: {
      audienceOf: ({ audience }) => audience,
      before: (one, other) => one.age < other.age,
      lanes,
    },
  });
}

type Step =
  | { kind: "send"; client: number; number: number }
  | { kind: "receive"; number: number }
  | { kind: "leave"; which: number }
  | { kind: "comeBack" }
  | { kind: "newest"; first: boolean };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant("send"),
        client: fc.nat(5),
        number: fc.integer({ min: 1, max: 8 }),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant("receive"),
        number: fc.integer({ min: 1, max: 6 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("leave"), which: fc.nat(30) }) },
    { weight: 2, arbitrary: fc.constant({ kind: "comeBack" }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("newest"), first: fc.boolean() }) },
  ) as fc.Arbitrary<Step>,
  { maxLength: 120 },
);

/** Sends, and keeps what waits and what was taken, told by nothing but what the order promises. */
class Model {
  readonly channel: Channel<Item>;
  readonly waiting = new Set<Item>();
  readonly taken: Item[] = [];
  #age = 0;

  constructor(lanes: LaneMaker<Item>) {
    this.channel = channelOf(lanes);
  }

  send(client: number, { of = 0, audience }: { of?: number; audience?: Audience } = {}): void {
    const item: Item = { client, of, age: ++this.#age, turn: 0, audience };
    this.waiting.add(item);
    assert(this.channel.trySend(item));
  }

  async take(taker?: object): Promise<Item> {
    const item = await this.channel.receive(taker && { taker });
    assert(this.waiting.delete(item));
    this.taken.push(item);
    return item;
  }

  leave(which: number): void {
    const item = [...this.waiting][which];
    if (!item) return;
    assert(this.channel.remove(item));
    this.waiting.delete(item);
  }

  comeBack(item: Item): void {
    this.waiting.add(item);
    this.channel.unshift(item, { behind: ({ age }) => age < item.age });
  }

  /** Looks at what can be seen. */
  check(): void {
    const byAge = [...this.waiting].sort((a, b) => a.age - b.age);
    assertEquals([...this.channel.waiting], byAge);
    assertEquals(this.channel.waiting.oldest, byAge[0]);
    assertEquals(this.channel.waiting.newest, byAge.at(-1));
    assertEquals(this.channel.size, byAge.length);
  }
}

Deno.test("whatever comes and leaves, a client that waits is passed at most once by each other", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (steps) => {
      const model = new Model(fair);
      const { channel, waiting } = model;
      /** How often others were served since a client began to wait, or was served, by that client. */
      const passed = new Map<number, Map<number, number>>();
      const noteLeft = () => {
        const clients = new Set([...waiting].map(({ client }) => client));
        for (const client of passed.keys()) if (!clients.has(client)) passed.delete(client);
      };
      for (const step of steps) {
        if (step.kind === "send") {
          for (let i = 0; i < step.number; i++) model.send(step.client);
          if (!passed.has(step.client)) passed.set(step.client, new Map());
        } else if (step.kind === "leave") {
          model.leave(step.which);
          noteLeft();
        } else if (step.kind === "newest") channel.newestFirst = step.first;
        else if (step.kind === "comeBack") {
          const item = model.taken.pop();
          if (!item) continue;
          model.comeBack(item);
          // Its service has not been one.
          for (const others of passed.values()) {
            others.set(item.client, (others.get(item.client) ?? 0) - 1);
          }
          if (!passed.has(item.client)) passed.set(item.client, new Map());
        } else {
          for (let i = 0; i < step.number && waiting.size > 0; i++) {
            const own = [...waiting];
            const item = await model.take();
            const mine = own.filter(({ client }) => client === item.client);
            const expected = channel.newestFirst ? mine.at(-1) : mine[0];
            const ages = mine.map(({ age }) => age);
            assertEquals(
              item.age,
              channel.newestFirst ? Math.max(...ages) : Math.min(...ages),
              `${expected?.age}`,
            );
            for (const [client, others] of passed) {
              if (client === item.client) continue;
              const number = (others.get(item.client) ?? 0) + 1;
              assert(number <= 1, `client ${item.client} was served twice before ${client}`);
              others.set(item.client, number);
            }
            passed.set(item.client, new Map());
            noteLeft();
          }
        }
        model.check();
      }
    }),
    { numRuns: 400 },
  );
});

Deno.test("who gives up first is the oldest of the client with the most, whatever came before", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (steps) => {
      const model = new Model(fair);
      for (const step of steps) {
        if (step.kind === "send") { for (let i = 0; i < step.number; i++) model.send(step.client); }
        else if (step.kind === "leave") model.leave(step.which);
        else if (step.kind === "comeBack" && model.taken.length > 0) {
          model.comeBack(model.taken.pop()!);
        } else if (step.kind === "receive") {
          for (let i = 0; i < step.number && model.waiting.size > 0; i++) await model.take();
        }
        const groups = Map.groupBy(model.waiting, ({ client }) => client);
        const most = Math.max(0, ...[...groups.values()].map(({ length }) => length));
        const item = model.channel.waiting.nextToShed;
        assertEquals(model.channel.waiting.clients, groups.size);
        if (most === 0) assertEquals(item, undefined);
        else {
          const mine = groups.get(item!.client)!;
          assertEquals([mine.length, item!.age], [most, Math.min(...mine.map(({ age }) => age))]);
        }
      }
    }),
    { numRuns: 200 },
  );
});

Deno.test("classes that wait all the time have their shares, to one round, whoever else comes", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.nat(3), { minLength: 1, maxLength: 4 }),
      fc.array(fc.record({ of: fc.nat(3), number: fc.nat(4) }), { maxLength: 100 }),
      fc.boolean(),
      async (standing, guests, isFair) => {
        const lanes = classLanes({ classOf, usual: 2, lanes: isFair ? fair : fifoLanes<Item>() });
        const model = new Model(lanes);
        for (const of of standing) for (let i = 0; i < 400; i++) model.send(i % 7, { of });
        const served = [0, 0, 0, 0];
        for (const { of, number } of guests) {
          if (!standing.includes(of)) { for (let i = 0; i < number; i++) model.send(i, { of }); }
          for (let i = 0; i < 3; i++) served[(await model.take()).of]!++;
        }
        const [first, ...others] = standing;
        for (const other of others) {
          const [a, b] = [first!, other].map((of) => served[of]! / CLASS_SHARES[of]!);
          assert(Math.abs(a! - b!) <= 1.0001, `${served} of classes ${standing}`);
        }
        // Nobody takes more from those that wait than its share of what was taken.
        const sum = served.reduce((a, b) => a + b, 0);
        const most = CLASS_SHARES.reduce((a, b) => a + b, 0);
        for (const of of standing) {
          assert(served[of]! >= Math.floor(sum * CLASS_SHARES[of]! / most) - CLASS_SHARES[of]!);
        }
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("with audiences, too, each lane's clients take turns and nobody is misled", async () => {
  const takers = [{}, {}, {}];
  const audiences = [
    undefined,
    only(takers[0]!),
    only(takers[1]!),
    new Set([takers[1]!, takers[2]!]),
    without(undefined, takers[0]!),
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          client: fc.nat(3),
          to: fc.nat(4),
          taker: fc.nat(2),
          what: fc.nat(9),
          of: fc.nat(3),
        }),
        { maxLength: 150 },
      ),
      fc.boolean(),
      async (steps, hasClasses) => {
        const model = new Model(hasClasses ? classLanes({ classOf, usual: 2, lanes: fair }) : fair);
        for (const { client, to, taker, what, of } of steps) {
          const audience = audiences[to];
          if (what < 5) model.send(client, { of, ...audience && { audience } });
          else if (what < 8) {
            const mine = [...model.waiting].filter(({ audience }) => {
              return audience?.has(takers[taker]!) ?? true;
            });
            if (mine.length === 0) continue;
            const item = await model.take(takers[taker]!);
            assert(mine.includes(item), "somebody got what it must not have");
          } else if (what === 8) {
            const moved = [...model.waiting].filter((item) => item.audience === audience);
            for (const item of moved) item.audience = audiences[(to + 1) % 5];
            model.channel.reassign(moved);
          } else model.leave(to);
          model.check();
        }
      },
    ),
    { numRuns: 200 },
  );
});
