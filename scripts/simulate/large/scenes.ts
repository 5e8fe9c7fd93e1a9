import { OPTIONS, type Settings } from "../../../src/config/options.ts";
import { type Crowd, visits } from "./crowd.ts";
import { capacityOf, type Phase, type Scene, type Servers, type Share } from "./scene.ts";

type Policy = Settings["balance"];

export const POLICIES = OPTIONS.balance.notation!.words! as readonly Policy[];

/** Thousand servers that work on ten sessions each; every tenth of them takes five times as long. */
export const SERVERS: readonly Servers[] = [
  { number: 100, ms: 400, slots: 10 },
  { number: 900, ms: 80, slots: 10 },
];

/** As many that are alike. */
const EQUAL: readonly Servers[] = [{ number: 1000, ms: 100, slots: 10 }];

/** Balancers in front of the servers. */
export interface Setup {
  readonly balancers: number;
  readonly share: Share;
}

/** One, and two and ten that know nothing of each other. */
export const SETUPS: Readonly<Record<string, Setup>> = {
  "one": { balancers: 1, share: "all" },
  "two, all slots each": { balancers: 2, share: "all" },
  "two, half of the slots each": { balancers: 2, share: "split" },
  "ten, all slots each": { balancers: 10, share: "all" },
  "ten, a tenth of the slots each": { balancers: 10, share: "split" },
};

const ONE = SETUPS["one"]!;
const TEN = SETUPS["ten, all slots each"]!;
const TENTHS = SETUPS["ten, a tenth of the slots each"]!;
const NO_SLOTS: Setup = { balancers: 1, share: "unbounded" };

/** What is simulated, by what it shows and how it is called there. */
export interface Named {
  readonly group: "policies" | "load" | "rush" | "slow";
  readonly policy: Policy;
  readonly setup: string;
  /** What is not the same in all of a group. */
  readonly load?: number;
  readonly scene: Scene;
}

/** How many clients come. */
export interface Sizes {
  /** Where every policy is compared. */
  readonly many: number;
  /** In each of all the other scenes. */
  readonly some: number;
}

export const SIZES: Sizes = { many: 1_000_000, some: 200_000 };

/** The loads of the group of that name. */
export const LOADS = [0.5, 0.7, 0.8, 0.9, 0.95, 0.98];

/** How many servers become how much slower in the middle of the group `slow`. */
export const SLOW = { servers: 10, factor: 20 };

/** More than the servers can do for a while, and less before and after. */
export const RUSH: readonly Phase[] = [
  { until: 500, load: 0.8 },
  { until: 1000, load: 1.3 },
  { until: Infinity, load: 0.8 },
];

/** All scenes, in the order in which they are shown. */
export function scenes({ many, some }: Sizes): Named[] {
  const policies = POLICIES.flatMap((policy) =>
    Object.entries(SETUPS).map(([setup, of]): Named => ({
      group: "policies",
      policy,
      setup,
      scene: sceneOf({ policy, ...of, servers: SERVERS, clients: many, phases: steady(0.9) }),
    }))
  );
  const lines: readonly (readonly [Policy, string, Setup])[] = [
    ["fifo", "one", ONE],
    ...(["fifo", "round-robin", "random"] as const).map((policy) => {
      return [policy, "ten, all slots each", TEN] as const;
    }),
    ["fifo", "ten, a tenth of the slots each", TENTHS],
    ["random", "one, no slots", NO_SLOTS],
  ];
  const load = lines.flatMap(([policy, setup, of]) =>
    LOADS.map((load): Named => ({
      group: "load",
      policy,
      setup,
      load,
      scene: sceneOf({ policy, ...of, servers: SERVERS, clients: some, phases: steady(load) }),
    }))
  );
  const rush = Object.entries(SETUPS).map(([setup, of]): Named => ({
    group: "rush",
    policy: "fifo",
    setup,
    scene: {
      ...sceneOf({ policy: "fifo", ...of, servers: EQUAL, clients: some, phases: RUSH }),
      warmUp: 0,
    },
  }));
  const slow = (["fifo", "round-robin", "random"] as const).flatMap((policy) =>
    Object.entries({ "one, no slots": NO_SLOTS, ...SETUPS })
      .filter(([setup]) => !setup.startsWith("two"))
      .map(([setup, of]): Named => ({
        group: "slow",
        policy,
        setup,
        scene: {
          ...sceneOf({ policy, ...of, servers: EQUAL, clients: some, phases: steady(0.8) }),
          slow: { ...SLOW, from: lengthOf(some, { servers: EQUAL, load: 0.8 }) / 4 },
        },
      }))
  );
  return [...policies, ...load, ...rush, ...slow];
}

function steady(load: number): readonly Phase[] {
  return [{ until: Infinity, load }];
}

/** About how long so many clients come, in milliseconds. */
function lengthOf(
  clients: number,
  { servers, load }: { servers: readonly Servers[]; load: number },
): number {
  return clients / (load * capacityOf(servers));
}

function sceneOf(
  { clients, phases, ...of }: Pick<Scene, "policy" | "balancers" | "share" | "servers"> & {
    clients: number;
    phases: readonly Phase[];
  },
): Scene {
  const seed = 1;
  const capacity = capacityOf(of.servers);
  const crowd: Crowd = { number: clients, capacity, phases, balancers: of.balancers, seed };
  const warmUp = lengthOf(clients, { servers: of.servers, load: phases[0]!.load }) / 4;
  return { ...of, clients, seed, warmUp, visits: visits(crowd) };
}
