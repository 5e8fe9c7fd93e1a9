import type { Order } from "./lanes.ts";

/** Options of a `Channel`. */
export interface ChannelOptions<T> {
  /** How items are told apart that not everybody may have; everybody may have all unless given. */
  order?: Order<T>;
  /**
   * Called after a hand-over that left items waiting because no receiver was: the moment to find
   * more receivers. It may call `receive` at once.
   *
   * @param sent What was handed over; without it all that waits is to be looked at.
   */
  onWaiting?: (sent?: readonly T[]) => void;
}
