/** Thrown by every operation that a closed channel can no longer do. */
export class ChannelClosedError<T = unknown> extends Error {
  override readonly name = "ChannelClosedError";
  /** The items of the failed send that nobody received: they belong to the sender again. */
  readonly unsent: readonly T[];

  constructor(action: string, unsent: readonly T[] = []) {
    super(`Cannot ${action}: the channel is closed`);
    this.unsent = unsent;
  }
}

/** What is wrong with an item that is sent while it waits. */
export function duplicate(): TypeError {
  return new TypeError("Cannot send: the item waits in the channel already");
}
