import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Channel, ChannelClosedError } from "../../src/async/channel.ts";

type Step =
  | { kind: "send"; number: number }
  | { kind: "trySend" }
  | { kind: "receive"; which: number }
  | { kind: "abort"; which: number }
  | { kind: "giveBack" }
  | { kind: "avoid"; which: number }
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
  /** Who must not have an item that came back. */
  readonly avoided = new Map<number, object>();
  /** Items that somebody got who must not have them. */
  readonly misled: number[] = [];
  readonly #takers: readonly object[] = [{ name: 0 }, { name: 1 }, { name: 2 }];
  readonly #pending: Promise<void>[] = [];
  readonly #aborts: AbortController[] = [];
  #next = 0;

  constructor(capacity: number) {
    this.channel = new Channel(capacity);
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
        this.#pending.push(
          channel.receive({ signal: abort.signal, taker }).then(
            (item) => {
              this.received.push(item);
              if (this.avoided.get(item) === taker) this.misled.push(item);
            },
            (error) => assert(error === abort.signal.reason || error instanceof ChannelClosedError),
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
        this.avoided.delete(item);
        break;
      }
      case "avoid": {
        const item = this.received.pop();
        if (item === undefined) break;
        this.returned.add(item);
        const avoiding = this.#takers[step.which]!;
        this.avoided.set(item, avoiding);
        channel.unshift(item, { avoiding, behind: (waiting) => waiting < item });
        break;
      }
      case "remove": {
        const item = [...channel.waiting()][step.which];
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

  /** Whether somebody waits for what is there. */
  get needless(): boolean {
    const { channel } = this;
    return channel.receivers > 0 && channel.size > 0 && this.#takers.every((taker) => {
      return channel.sizeFor(taker) > 0;
    });
  }

  /** Ends everything that waits and collects what is left. */
  async finish(): Promise<void> {
    this.channel.close();
    for await (const item of this.channel) this.received.push(item);
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
          if (gap === 0 || i % gap === 0) await Promise.resolve();
          assert(!harness.needless);
          assertEquals([...harness.channel.waiting()].length, harness.channel.size);
        }
        await harness.finish();
        const { sent, received, removed, unsent, returned } = harness;
        const everywhere = [...received, ...removed, ...unsent].sort((a, b) => a - b);
        assertEquals(everywhere, sent);
        assertEquals(harness.misled, []);
        const first = received.filter((item) => !returned.has(item));
        assertEquals(first, [...first].sort((a, b) => a - b));
      },
    ),
    { numRuns: 1000 },
  );
});
