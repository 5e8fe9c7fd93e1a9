import type { WhenOverloaded } from "../../../src/balancer/overload/relief.ts";
import type { Setup } from "../contenders.ts";

/** How a contender is set up for servers that take one request at a time each. */
export type Way = Omit<Setup, "destinations">;

/** What a simulation is told of such a way. */
export interface Simulated {
  readonly mode: WhenOverloaded;
  readonly queueTimeout?: number;
}

/** Who the clients are, for whoever is tuned to them. */
export interface Tuning {
  /** The queue timeout that has most of them answered in time, in milliseconds. */
  readonly queueTimeout: number;
}

/** As operators have it who set nothing. */
const QUEUE = 1024;
const QUEUE_TIMEOUT = 30_000;

/** What a simulation can say about: ways of iawlb, by name. */
export function simulated({ queueTimeout }: Tuning): Readonly<Record<string, Simulated>> {
  return {
    "hold": { mode: "hold" },
    [`hold, queue timeout ${queueTimeout} ms`]: { mode: "hold", queueTimeout },
    "shed": { mode: "shed" },
    "newest": { mode: "newest" },
  };
}

/** The ways of a contender, by name: as it comes, and as it does best with these clients. */
export function waysOf(
  contender: string,
  { clients: tuning, greedy }: { clients: Tuning; greedy?: object },
): Readonly<Record<string, Way>> {
  const { queueTimeout } = tuning;
  switch (contender) {
    case "iawlb":
    case "iawlb-source":
      return Object.fromEntries(
        Object.entries(simulated(tuning)).flatMap(([name, way]) => {
          const fair = iawlb(way, ["--queue-order", "fair"]);
          return [[name, iawlb(way)], ...greedy ? [[`${name}, fair`, fair]] : []];
        }).concat([["shed, workers 2", { ...iawlb({ mode: "shed" }), limit: 2 }]]),
      );
    case "haproxy": {
      const abort = "option abortonclose";
      const tuned = haproxy({ limit: 1, lines: [abort], queueTimeout });
      return {
        "maxconn 1": haproxy({ limit: 1 }),
        "maxconn 1, abortonclose": haproxy({ limit: 1, lines: [abort] }),
        [`maxconn 1, abortonclose, queue timeout ${queueTimeout} ms`]: tuned,
        // The server has the next one at hand, and what comes after that one waits here.
        [`maxconn 2, abortonclose, queue timeout ${queueTimeout} ms`]: { ...tuned, limit: 2 },
      };
    }
    // It has no queue: either the servers have it, or whoever finds none free is turned away.
    case "nginx":
      return {
        "stream": { method: "least_conn" },
        "stream, max_conns 1": { method: "least_conn", limit: 1 },
      };
    default:
      return {};
  }
}

function iawlb({ mode, queueTimeout = QUEUE_TIMEOUT }: Simulated, more: string[] = []): Way {
  const flags = ["--when-overloaded", mode, ...more];
  return { limit: 1, queue: QUEUE, queueTimeout, flags };
}

function haproxy(way: Way): Way {
  return { method: "leastconn", ...way };
}
