import type { Contender, Setup } from "../contenders.ts";
import type { Bench, Case, Workload } from "../workload.ts";
import { requestCase, requestMetrics } from "./requests.ts";

/** How many times the CPU of the bare loop a connection may cost, and a round trip. */
const MOST_OF_CONNECTION = 1.1;
const MOST_OF_ROUND_TRIP = 1.05;

/** How many times the CPU of one thread a connection may cost with two. */
const MOST_OF_TWO_THREADS = 1.05;

/** One of two that are compared. */
interface Side {
  readonly name: string;
  readonly contender: Contender;
  readonly flags?: Setup["flags"];
}

/**
 * What iawlb costs beyond what its runtime does, by a bare loop in the same one. Its targets are
 * asserted, unless it is to be quick: many short rounds tell more than few long ones (`--rounds 15 --seconds 1`).
 */
export const bare: Workload = {
  name: "bare",
  title: "CPU by that of a bare loop in the same runtime",
  metrics: requestMetrics("request"),
  plotted: "cpu",
  async *cases(bench) {
    for (const contender of bench.contenders.filter(({ isOurs }) => isOurs)) {
      const { name } = contender;
      const one = { name, contender };
      const least = bench.bareLoops.find((loop) => loop.isFloorOf(contender));
      if (least) {
        const sides: [Side, Side] = [{ name: least.name, contender: least }, one];
        const label = `${name}: one connection per request`;
        yield await compare(bench, sides, { label, close: true, most: MOST_OF_CONNECTION });
        for (const clients of bench.quick ? [50] : [1, 50]) {
          const label = `${name}: round trips, ${clients} client${clients === 1 ? "" : "s"}`;
          const most = MOST_OF_ROUND_TRIP;
          yield await compare(bench, sides, { label, clients, close: false, most });
        }
      }
      const two = { name: `${name} --threads 2`, contender, flags: ["--threads", "2"] };
      const label = `${name}: one connection per request, threads`;
      yield await compare(bench, [one, two], { label, close: true, most: MOST_OF_TWO_THREADS });
    }
  },
};

/** Both in front of the same destination; the second may cost so many times what the first does. */
async function compare(
  bench: Bench,
  [first, second]: [Side, Side],
  { most, ...load }: { label: string; clients?: number; close: boolean; most: number },
): Promise<Case> {
  const destinations = await bench.destinations.http();
  const entryOf = ({ name, contender, flags = [] }: Side) => ({
    name,
    contender,
    setup: { destinations, flags },
  });
  // One short round shows that it runs, and nothing of its cost.
  const target = bench.quick ? {} : { most: { cpu: most } };
  const entries = [entryOf(first), { ...entryOf(second), ...target }];
  return await requestCase(bench, { ...load, entries, baseline: first.name });
}
