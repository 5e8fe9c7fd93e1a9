import { assert, assertEquals } from "@std/assert";
import { fc } from "../support/properties.ts";
import { type Audience, only, without } from "../../src/async/audience.ts";
import { Channel } from "../../src/async/channel.ts";
import { ChannelClosedError } from "../../src/async/channel_closed.ts";

type Step =
  | { kind: "send"; number: number }
  | { kind: "trySend" }
  | { kind: "receive"; which: number }
  | { kind: "abort"; which: number }
  | { kind: "giveBack" }
  | { kind: "avoid"; which: number }
  | { kind: "bind"; which: number; number: number }
  | { kind: "remove"; which: number }
  | { kind: "resize"; capacity: number }
  | { kind: "close" };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("send"), number: fc.nat(4) }) },
    { weight: 3, arbitrary: fc.constant({ kind: "trySend" }) },
    { weight: 8, arbitrary: fc.record({ kind: fc.constant("receive"), which: fc.nat(2) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("abort"), which: fc.nat(9) }) },
    { weight: 2, arbitrary: fc.constant({ kind: "giveBack" }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("avoid"), which: fc.nat(2) }) },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant("bind"), which: fc.nat(5), number: fc.nat(2) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("remove"), which: fc.nat(99) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("resize"),
        capacity: fc.integer({ min: 1, max: 9 }),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: "close" }) },
  ) as fc.Arbitrary<Step>,
  { maxLength: 200 },
);

/** Where every item has got to, told by nothing but what the channel has promised. */
class Harness {
  readonly channel: Channel<number>;
  readonly sent: number[] = [];
  readonly received: number[] = [];
  readonly removed: number[] = [];
  readonly unsent: number[] = [];
  /** Items that came back: order is not asked of these. */
  readonly returned = new Set<number>();
  /** Who may have an item, where not everybody may. */
  readonly audiences = new Map<number, Audience>();
  /** Items that somebody got who must not have them. */
  readonly misled: number[] = [];
  readonly #takers: readonly object[] = [{ name: 0 }, { name: 1 }, { name: 2 }];
  readonly #bounds: readonly Audience[];
  readonly #pending: Promise<void>[] = [];
  readonly #aborts: AbortController[] = [];
  /** Receives that have not ended, by taker. */
  readonly #waits = new Map<object, number>();
  #next = 0;

  constructor(capacity: number) {
    const [one, two, three] = this.#takers as [object, object, object];
    this.#bounds = [
      only(one),
      only(two),
      only(three),
      new Set([one, two]),
      new Set([three, two]),
      without(new Set([one, two]), one),
    ];
    this.channel = new Channel(capacity, {
      order: {
        audienceOf: (item) => this.audiences.get(item),
        before: (item, other) => item < other,
      },
    });
  }

  run(step: Step): void {
    const { channel } = this;
    switch (step.kind) {
      case "send": {
        const items = Array.from({ length: step.number + 1 }, () => ++this.#next);
        this.sent.push(...items);
        this.#pending.push(
          channel.sendAll(items).catch((error) => {
            assert(error instanceof ChannelClosedError);
            this.unsent.push(...error.unsent);
          }),
        );
        break;
      }
      case "trySend": {
        const item = this.#next + 1;
        if (channel.closed || !channel.trySend(item)) break;
        this.#next = item;
        this.sent.push(item);
        break;
      }
      case "receive": {
        const abort = new AbortController();
        const taker = this.#takers[step.which]!;
        this.#aborts.push(abort);
        this.#waits.set(taker, (this.#waits.get(taker) ?? 0) + 1);
        this.#pending.push(
          channel.receive({ signal: abort.signal, taker }).then(
            (item) => {
              this.received.push(item);
              if (this.audiences.get(item)?.has(taker) === false) this.misled.push(item);
              this.#waits.set(taker, this.#waits.get(taker)! - 1);
            },
            (error) => {
              assert(error === abort.signal.reason || error instanceof ChannelClosedError);
              this.#waits.set(taker, this.#waits.get(taker)! - 1);
            },
          ),
        );
        break;
      }
      case "abort":
        this.#aborts[step.which]?.abort();
        break;
      case "giveBack": {
        const item = this.received.pop();
        if (item === undefined) break;
        this.returned.add(item);
        channel.unshift(item, { behind: (waiting) => waiting < item });
        break;
      }
      case "avoid": {
        const item = this.received.pop();
        if (item === undefined) break;
        this.returned.add(item);
        this.audiences.set(item, without(this.audiences.get(item), this.#takers[step.which]!));
        channel.unshift(item, { behind: (waiting) => waiting < item });
        break;
      }
      case "bind": {
        const items = Array.from({ length: step.number + 1 }, () => ++this.#next);
        this.sent.push(...items);
        // Every other one is for everybody.
        for (const item of items) {
          if (item % 2 === 0) this.audiences.set(item, this.#bounds[step.which]!);
        }
        this.#pending.push(
          channel.sendAll(items).catch((error) => {
            assert(error instanceof ChannelClosedError);
            this.unsent.push(...error.unsent);
          }),
        );
        break;
      }
      case "remove": {
        const item = [...channel.waiting][step.which];
        if (item !== undefined && channel.remove(item)) this.removed.push(item);
        break;
      }
      case "resize":
        channel.resize(step.capacity);
        break;
      case "close":
        channel.close();
        break;
    }
  }

  /**
   * Whether somebody waits who may have an item that nobody has, also one without room. Asked when
   * all promises have settled.
   */
  get needless(): boolean {
    const gone = new Set([...this.received, ...this.removed, ...this.unsent]);
    const left = this.sent.filter((item) => !gone.has(item));
    return this.#takers.some((taker) => {
      return (this.#waits.get(taker) ?? 0) > 0 &&
        left.some((item) => this.audiences.get(item)?.has(taker) ?? true);
    });
  }

  /** Ends everything that waits and collects what is left. */
  async finish(): Promise<void> {
    this.channel.close();
    while (this.channel.size > 0) this.received.push(await this.channel.receive());
    await Promise.all(this.#pending);
  }
}

Deno.test("no interleaving loses or repeats an item, and order is kept", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      steps,
      fc.nat(3),
      async (capacity, steps, gap) => {
        const harness = new Harness(capacity);
        for (const [i, step] of steps.entries()) {
          harness.run(step);
          // Sometimes promises settle between two steps, sometimes several steps come in one turn.
          if (gap === 0 || i % gap === 0) await settled();
          if (gap === 0) assert(!harness.needless, "a receiver waits although an item is there");
          assertEquals([...harness.channel.waiting].length, harness.channel.size);
        }
        await harness.finish();
        const { sent, received, removed, unsent, returned } = harness;
        const everywhere = [...received, ...removed, ...unsent].sort((a, b) => a - b);
        assertEquals(everywhere, sent);
        assertEquals(harness.misled, []);
        // Each lane by itself is in order.
        const first = received.filter((item) => {
          return !returned.has(item) && !harness.audiences.has(item);
        });
        assertEquals(first, [...first].sort((a, b) => a - b));
        for (const audience of new Set(harness.audiences.values())) {
          const lane = received.filter((item) => {
            return !returned.has(item) && harness.audiences.get(item) === audience;
          });
          assertEquals(lane, [...lane].sort((a, b) => a - b));
        }
      },
    ),
    { numRuns: 1000 },
  );
});

/** Lets what has been handed over arrive. */
async function settled(): Promise<void> {
  for (let i = 0; i < 4; i++) await Promise.resolve();
}
