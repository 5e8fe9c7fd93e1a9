/**
 * The capacity of a channel, if it is one.
 *
 * @param action What is to be done with it, for the message.
 * @throws {RangeError} If it is not a whole number of at least 1.
 */
export function assertCapacity(action: string, capacity: number): number {
  if (Number.isSafeInteger(capacity) && capacity >= 1) return capacity;
  throw new RangeError(
    `Cannot ${action}: capacity must be a whole number of at least 1, received ${capacity}`,
  );
}
