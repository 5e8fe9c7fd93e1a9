import type { ProgramConfig } from "../config/config.ts";
import type { Logs } from "../logging/logs.ts";
import type { DescriptorBudget } from "../net/descriptor_budget.ts";
import type { Sharing } from "../net/sharing.ts";
import type { LookUps } from "./discovery.ts";

/** What an instance of the program is started with. */
export interface InstanceOptions {
  config: ProgramConfig;
  /** Reads the configuration anew. */
  load(): ProgramConfig | Promise<ProgramConfig>;
  logs: Logs;
  /** When it is aborted no further listener starts. */
  signal?: AbortSignal;
  /** What all that want descriptors share; all that there are, if absent. */
  descriptors?: DescriptorBudget;
  /** How names whose records are destinations are looked up; as configured if absent. */
  lookUps?: LookUps;
  /** Asked when a drain begins: whether another process is to take the place of this one. */
  isReplaced?(): boolean;
  /** How addresses are shared with another process; not at all if absent. */
  sharing?: Sharing | undefined;
  /** How many processes have served in this place, with this one; 1 if absent. */
  generation?: number | undefined;
}
