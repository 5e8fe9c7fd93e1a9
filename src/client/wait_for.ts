import { FatalError } from "../base/errors.ts";
import { sleep } from "../base/timer.ts";
import { type AdminClient, ForeignError, UnreachableError } from "./admin_client.ts";
import { partsOf, type Target, titleOf } from "./target.ts";

/** Between two attempts to reach a program that is about to end, in milliseconds. */
const RETRY_MS = 100;

/** Failures in a row until that is what is told: half a minute of them, if they come at once. */
const MOST_FAILURES = 300;

/**
 * Resolves once a destination that takes no new sessions has none left, or is gone.
 *
 * @throws {FatalError} If it is made to take sessions again, or if the program ends before.
 */
export async function waitUntilIdle(client: AdminClient, wanted: Target): Promise<void> {
  for await (const status of client.statuses()) {
    const parts = partsOf(status, wanted);
    const active = parts.reduce((sum, { active }) => sum + active, 0);
    if (active === 0) return;
    if (parts.some(({ admin, leaving }) => admin === "ready" && !leaving)) {
      throw new FatalError(
        `${titleOf(wanted)} was made ready again while ${active} of its sessions were active`,
      );
    }
  }
  throw new FatalError(`${client.name} ended before ${titleOf(wanted)} had finished its sessions`);
}

/**
 * Resolves once a removed destination has finished its sessions and is forgotten.
 *
 * @throws {FatalError} If the program ends before.
 */
export async function waitUntilForgotten(client: AdminClient, wanted: Target): Promise<void> {
  for await (const status of client.statuses()) {
    if (partsOf(status, wanted).length === 0) return;
  }
  throw new FatalError(`${client.name} ended before ${titleOf(wanted)} had finished its sessions`);
}

/**
 * Resolves once nothing answers any more, or another process does.
 *
 * @throws {FatalError} If something else answers, or only failures come for half a minute.
 */
export async function waitUntilGone(client: AdminClient, pid: number): Promise<void> {
  let failures = 0;
  for (;;) {
    try {
      for await (const status of client.statuses()) {
        if (status.pid !== pid) return;
        failures = 0;
      }
    } catch (error) {
      if (error instanceof UnreachableError) return;
      if (!(error instanceof FatalError) || error instanceof ForeignError) throw error;
      if (++failures >= MOST_FAILURES) throw error;
    }
    // The stream has ended, and the program is about to.
    await sleep(RETRY_MS);
  }
}
