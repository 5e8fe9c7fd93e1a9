import { OPTIONS } from "../../../src/config/options.ts";
import type { Setup } from "../contenders.ts";
import type { Service } from "../destinations.ts";
import type { OpenLoop } from "../load.ts";
import type { Bench, Variant, Workload } from "../workload.ts";
import { measureServed } from "./tail.ts";

/** Requests that each destination takes at a time, and a balancer that can limit them sends. */
const SLOTS = 4;

/** Of four destinations, one is five times slower. */
const SERVICES: readonly Service[] = [40, 200, 40, 40].map((ms) => ({ ms, slots: SLOTS }));

/** Requests per second of all destinations together. */
const CAPACITY = SERVICES.reduce((sum, { ms }) => sum + SLOTS * 1000 / ms, 0);

/** Clients: as many addresses, which come in a header, as this machine has but one. */
const CLIENTS = 1000;

/** How a contender picks a destination, by the name of that. */
type Ways = Readonly<Record<string, Omit<Setup, "destinations">>>;

const IAWLB: Ways = Object.fromEntries(
  OPTIONS.balance.notation!.words!.map((policy) => [
    policy,
    { limit: SLOTS, flags: ["--balance", policy] },
  ]),
);

const WAYS: Readonly<Record<string, Ways>> = {
  "iawlb": IAWLB,
  "iawlb-source": IAWLB,
  "haproxy": Object.fromEntries(
    ["roundrobin", "leastconn", "random", "first", "source"].map((method) => [
      method,
      { limit: SLOTS, method },
    ]),
  ),
  // A server that is full is one that fails here: there is no queue to wait in, so no limit either.
  "nginx": {
    "round robin": {},
    "least_conn": { method: "least_conn" },
    "random two": { method: "random two" },
    "hash": { method: "hash $proxy_protocol_addr" },
  },
};

export const unequal: Workload = {
  name: "unequal",
  title:
    `latency in front of four destinations of ${SLOTS} slots, one of them five times slower, ` +
    "by policy",
  metrics: [
    { key: "p50", title: "p50 ms", digits: 1 },
    { key: "p99", title: "p99 ms", digits: 1 },
    { key: "p999", title: "p99.9 ms", digits: 1 },
  ],
  plotted: "p99",
  async *cases(bench) {
    const { quick } = bench;
    const warmUp = quick ? 0.1 : 1;
    const seconds = warmUp + (quick ? 0.3 : 2 * bench.seconds);
    for (const load of quick ? [70] : [70, 90]) {
      const loop = {
        rate: CAPACITY * load / 100,
        seconds,
        warmUp,
        timeout: 3000,
        clients: CLIENTS,
      };
      yield {
        label: `${load} % of ${CAPACITY} requests/s`,
        variants: variantsOf(bench, loop),
      };
    }
  },
};

function variantsOf(bench: Bench, loop: Omit<OpenLoop, "seed">): Variant[] {
  return bench.contenders.flatMap((contender) => {
    const ways = Object.entries(WAYS[contender.name] ?? {});
    // The first and the last one tell whether it works.
    const some = bench.quick && ways.length > 2 ? [ways[0]!, ways.at(-1)!] : ways;
    return some.map(([name, setup]) => ({
      name: `${contender.name} ${name}`,
      measure: (round: number) => {
        return measureServed(bench, contender, {
          services: SERVICES,
          setup: { ...setup, proxyHeader: true },
          loop: { ...loop, seed: round + 1 },
        });
      },
    }));
  });
}
