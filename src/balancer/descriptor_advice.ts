import type { Logger } from "@logtape/logtape";
import type { Config } from "../config/config.ts";
import { type DescriptorBudget, PER_SESSION } from "../net/descriptor_budget.ts";
import { FatalError } from "../base/errors.ts";
import { threadsOf } from "../config/thread_shares.ts";

/**
 * Makes sure that there is something to begin with.
 *
 * @throws {FatalError} If there are not enough descriptors for one session at each listener.
 */
export function assertDescriptors(
  descriptors: DescriptorBudget,
  wanted: { listeners: readonly Config[]; admin: boolean },
): void {
  const { listeners, admin } = wanted;
  const missing = descriptors.missing({
    listeners: listeners.length,
    threads: listeners.map(threadsOf).reduce((sum, number) => sum + (number > 1 ? number : 0), 0),
    admin,
  });
  if (missing <= 0) return;
  throw new FatalError(
    `the limit of open files (ulimit -n) is too small to serve anybody; raise it by ${missing} ` +
      "at the least, better to some thousands: each session needs two",
  );
}

/**
 * Makes sure that further threads can be started: without descriptors the runtime would end the
 * program.
 *
 * @throws {FatalError} If they cannot.
 */
export function assertThreads(descriptors: DescriptorBudget, threads: number): void {
  const missing = descriptors.missingForThreads(threads);
  if (missing <= 0) return;
  throw new FatalError(
    `the limit of open files (ulimit -n) has no room for ${threads} more threads; raise it by ` +
      `${missing} at the least, or ask for fewer`,
  );
}

/** Warns if there are not enough descriptors for all sessions that were explicitly allowed. */
export function warnOfDescriptors(
  descriptors: DescriptorBudget,
  { listeners, log }: { listeners: readonly Config[]; log: Logger },
): void {
  const asked = listeners.reduce((sum, { maxConnections }) => sum + maxConnections, 0);
  if (asked === 0) return;
  const room = descriptors.fit(asked);
  if (room >= asked) return;
  log.warning(
    "--max-connections {asked}: the limit of open files (ulimit -n) has room for {room} sessions " +
      "at a time, and that counts; raise it by {missing}, or ask for less",
    { asked, room, missing: (asked - room) * PER_SESSION },
  );
}
