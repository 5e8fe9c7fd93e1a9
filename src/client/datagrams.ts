import type { ListenerStatus } from "../operations/listener_status.ts";

/** What became of the datagrams of a listener. */
export interface Datagrams {
  /** From clients to destinations. */
  readonly up: number;
  readonly down: number;
  /** Those that were lost, each with why. */
  readonly lost: readonly (readonly [why: string, number: number])[];
}

/** What became of the datagrams of a listener; `undefined` where there were none. */
export function datagramsOf(listener: Partial<ListenerStatus>): Datagrams | undefined {
  // An earlier version does not tell them.
  const { datagrams_up: up = 0, datagrams_down: down = 0 } = listener;
  const { datagrams_dropped = 0, datagrams_foreign = 0, datagrams_unsent = 0 } = listener;
  const lost = { dropped: datagrams_dropped, foreign: datagrams_foreign, unsent: datagrams_unsent };
  if (up + down + datagrams_dropped + datagrams_foreign + datagrams_unsent === 0) return undefined;
  return { up, down, lost: Object.entries(lost) };
}
