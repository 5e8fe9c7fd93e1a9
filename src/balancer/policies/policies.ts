import type { Settings } from "../../config/options.ts";
import { Fifo } from "./fifo.ts";
import { LeastConn } from "./least_conn.ts";
import type { Policy } from "./policy.ts";

const POLICIES: Readonly<Record<Settings["balance"], new () => Policy>> = {
  "fifo": Fifo,
  "least-conn": LeastConn,
};

/** A policy by its name on the command line. */
export function makePolicy(name: Settings["balance"]): Policy {
  return new POLICIES[name]();
}
