import type { Settings } from "../../config/options.ts";
import { Fifo } from "./fifo.ts";
import { First } from "./first.ts";
import { LeastConn } from "./least_conn.ts";
import type { Policy } from "./policy.ts";
import { Random } from "./random.ts";
import { RoundRobin } from "./round_robin.ts";

const POLICIES: Readonly<Record<Settings["balance"], new () => Policy>> = {
  "fifo": Fifo,
  "round-robin": RoundRobin,
  "least-conn": LeastConn,
  "random": Random,
  "first": First,
};

/** A policy by its name on the command line. */
export function makePolicy(name: Settings["balance"]): Policy {
  return new POLICIES[name]();
}
