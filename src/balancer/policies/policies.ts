import { OPTIONS, type Settings } from "../../config/options.ts";
import { Fifo } from "./fifo.ts";
import { First } from "./first.ts";
import { Hash, type HashSettings } from "./hash.ts";
import { LeastConn } from "./least_conn.ts";
import type { Policy } from "./policy.ts";
import { Random } from "./random.ts";
import { RoundRobin } from "./round_robin.ts";

const POLICIES: Readonly<Record<Settings["balance"], (settings: HashSettings) => Policy>> = {
  "fifo": () => new Fifo(),
  "round-robin": () => new RoundRobin(),
  "least-conn": () => new LeastConn(),
  "random": () => new Random(),
  "first": () => new First(),
  "hash": (settings) => new Hash(settings),
};

/** A policy by its name on the command line; `hash` has the default settings unless others are given. */
export function makePolicy(
  name: Settings["balance"],
  { hashMask = OPTIONS.hashMask.default, hashWait = OPTIONS.hashWait.default }: Partial<
    HashSettings
  > = {},
): Policy {
  return POLICIES[name]({ hashMask, hashWait });
}
