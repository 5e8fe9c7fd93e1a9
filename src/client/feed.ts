import { FatalError } from "../base/errors.ts";
import type { Status } from "../operations/operations.ts";
import { sleep } from "../base/timer.ts";
import { type AdminClient, ForeignError, RefusedError } from "./admin_client.ts";

/** Between two attempts to reach the program again, in milliseconds. */
export const RETRY_MS = 1000;

/** What is heard of the program. */
export type News =
  /** Until it is taken, the next one waits. */
  | { readonly kind: "status"; readonly status: Status; taken(): void }
  /** It cannot be reached; another attempt follows. */
  | { readonly kind: "lost"; readonly why: string }
  /** It never can. */
  | { readonly kind: "failed"; readonly error: unknown };

/**
 * Follows the program, and looks for it again and again when the connection ends.
 *
 * @param statuses Those that have begun.
 */
export async function follow(
  client: AdminClient,
  statuses: AsyncIterable<Status>,
  post: (news: News) => void,
): Promise<void> {
  for (let next = statuses;; next = client.statuses()) {
    let why = `${client.name} has ended the connection`;
    try {
      for await (const status of next) {
        // However fast they come, one at a time is kept.
        const { promise, resolve: taken } = Promise.withResolvers<void>();
        post({ kind: "status", status, taken });
        await promise;
      }
    } catch (error) {
      if (!mayPass(error)) return post({ kind: "failed", error });
      why = error.message;
    }
    post({ kind: "lost", why });
    await sleep(RETRY_MS);
  }
}

/** Whether it may be different in a while: neither another program nor a wrong token are. */
export function mayPass(error: unknown): error is FatalError {
  const forGood = error instanceof ForeignError || error instanceof RefusedError;
  return error instanceof FatalError && !forGood;
}
