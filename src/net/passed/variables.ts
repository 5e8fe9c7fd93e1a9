import { UsageError } from "../../base/errors.ts";
import { quote } from "../../base/text.ts";

/** The first of the descriptors that are passed: `SD_LISTEN_FDS_START` of sd_listen_fds(3). */
const FIRST = 3;

/** Most descriptors that anybody passes: more than that is a slip of the pen. */
const MOST = 10_000;

/** What says which descriptors are passed, to whom, and what they are called. */
const VARIABLES = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] as const;

/** A descriptor that was passed to the program. */
export interface PassedDescriptor {
  readonly fd: number;
  /** What the one who passes it calls it; empty if nothing is said. */
  readonly name: string;
}

/** The part of `Deno.env` that is needed here. */
interface Environment {
  get(name: string): string | undefined;
  delete(name: string): void;
}

/**
 * The descriptors that a service manager has passed to this very process, by the protocol of
 * sd_listen_fds(3). The variables are removed: programs that this one starts have nothing of it.
 *
 * @throws {UsageError} If they say that something was passed to it, and not what.
 */
export function takePassedDescriptors(
  env: Environment = Deno.env,
  pid: number = Deno.pid,
): PassedDescriptor[] {
  const [owner, number, names] = VARIABLES.map((name) => env.get(name));
  for (const name of VARIABLES) env.delete(name);
  // Those of a parent are inherited by all that it starts.
  if (number === undefined || owner !== String(pid)) return [];
  if (!/^\d+$/.test(number) || Number(number) > MOST) {
    throw new UsageError(
      `LISTEN_FDS=${
        quote(number)
      } in the environment: must be the number of descriptors that are ` +
        `passed, 0 to ${MOST}`,
    );
  }
  const called = names?.split(":") ?? [];
  return Array.from({ length: Number(number) }, (_, i) => {
    return { fd: FIRST + i, name: called[i] ?? "" };
  });
}
