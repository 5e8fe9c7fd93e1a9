import type { Service } from "../destinations.ts";
import type { Impatient } from "../impatient.ts";
import type { Tuning } from "./ways.ts";

/** Clients in front of servers. */
export interface Scene {
  readonly label: string;
  readonly services: readonly Service[];
  /** Offered load, as multiples of what the servers can answer, one after the other. */
  readonly phases: readonly { readonly load: number; readonly seconds: number }[];
  readonly clients: Clients;
  /** Seconds from the beginning on from which it counts, and when it is calm again, if it is not before. */
  readonly warmUp: number;
  readonly calmAt?: number;
  /** Clients of which one comes far more often than all others. */
  readonly greedy?: Impatient["greedy"];
  /** When all servers stand still, in seconds from the beginning. */
  readonly stall?: { readonly from: number; readonly to: number };
}

interface Clients extends Pick<Impatient, "patience" | "retries">, Tuning {}

const LOADS = [0.5, 0.8, 1, 1.5, 3, 10];
const USUAL_LOAD = 0.8;

/** One server that takes one request at a time. */
const ONE: readonly Service[] = [{ ms: 10 }];

/** Three of these, one of them slower. */
const UNEQUAL: readonly Service[] = [{ ms: 10 }, { ms: 10 }, { ms: 50 }];

/** One client that offers 3 × what can be answered, and thirty that offer half of it together. */
const GREEDY = { greedy: 3, polite: 0.5, others: 30 };

const PATIENT_500 = { patience: { least: 500, most: 500 }, queueTimeout: 200 };

const CLIENTS: Readonly<Record<string, Clients>> = {
  "one patience: 500 ms": { ...PATIENT_500, retries: 0 },
  "spread patience: 100 ms to 5 s": {
    patience: { least: 100, most: 5000 },
    retries: 0,
    queueTimeout: 90,
  },
  "retrying: 500 ms, 3 times": { ...PATIENT_500, retries: 3 },
};

/** Seconds of the parts of a scene. */
interface Lengths {
  readonly warmUp: number;
  /** What counts under a load that does not change. */
  readonly steady: number;
  /** How long it is calm before a trouble, how long that lasts, and what is watched from then on. */
  readonly before: number;
  readonly trouble: number;
  readonly after: number;
}

/** Everything, or a little of each kind. */
export function scenes({ seconds, quick }: { seconds: number; quick: boolean }): Scene[] {
  const [usual, , retrying] = Object.values(CLIENTS) as [Clients, Clients, Clients];
  if (quick) {
    const lengths = { warmUp: 1, steady: seconds, before: 0.5, trouble: 1, after: 1.5 * seconds };
    return [
      steady({ load: 1.5, name: Object.keys(CLIENTS)[0]!, clients: usual }, lengths),
      stall(retrying, lengths),
    ];
  }
  const lengths = { warmUp: 4, steady: 3 * seconds, before: 3, trouble: 3, after: 5 * seconds };
  return [
    ...Object.entries(CLIENTS).flatMap(([name, clients]) =>
      LOADS.map((load) => steady({ load, name, clients }, lengths))
    ),
    ...[0.8, 1.5, 3].map((load) =>
      steady({
        load,
        name: "servers of 10, 10 and 50 ms",
        clients: usual,
        services: UNEQUAL,
      }, lengths)
    ),
    stall(retrying, lengths),
    storm(retrying, { ...lengths, trouble: 5 }),
    greedy(usual, lengths),
  ];
}

/** Who comes most does not have to get most. */
function greedy(clients: Clients, { warmUp, steady }: Lengths): Scene {
  const { greedy, polite, others } = GREEDY;
  const load = greedy + polite;
  return {
    label: `one client with ${greedy} × and ${others} with ${polite} × together`,
    services: ONE,
    phases: [{ load, seconds: warmUp + steady }],
    clients,
    warmUp,
    greedy: { share: greedy / load, others },
  };
}

function steady(
  { load, name, clients, services = ONE }: {
    load: number;
    name: string;
    clients: Clients;
    services?: readonly Service[];
  },
  lengths: Lengths,
): Scene {
  const seconds = lengths.warmUp + lengths.steady;
  return {
    label: `${load} ×, ${name}`,
    services,
    phases: [{ load, seconds }],
    clients,
    warmUp: lengths.warmUp,
  };
}

/** The server stands still for a while, under a load that it can usually bear. */
function stall(clients: Clients, { before, trouble, after }: Lengths): Scene {
  const to = before + trouble;
  return {
    label: `after a stall of ${trouble} s: ${USUAL_LOAD} ×, retrying`,
    services: ONE,
    phases: [{ load: USUAL_LOAD, seconds: to + after }],
    clients,
    stall: { from: before, to },
    warmUp: to,
    calmAt: to,
  };
}

/** Many more clients for a while than the server can bear. */
function storm(clients: Clients, { before, trouble, after }: Lengths): Scene {
  const end = before + trouble;
  return {
    label: `after a storm of ${trouble} s of 3 ×: ${USUAL_LOAD} ×, retrying`,
    services: ONE,
    phases: [
      { load: USUAL_LOAD, seconds: before },
      { load: 3, seconds: trouble },
      { load: USUAL_LOAD, seconds: after },
    ],
    clients,
    warmUp: end,
    calmAt: end,
  };
}
