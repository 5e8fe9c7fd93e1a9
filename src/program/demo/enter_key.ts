/**
 * Somebody at the terminal who presses Enter.
 *
 * @param read Standard input, unless for tests.
 */
export function enterKey(
  read: (buffer: Uint8Array) => Promise<number | null> = (buffer) => Deno.stdin.read(buffer),
): (signal: AbortSignal) => Promise<boolean> {
  const buffer = new Uint8Array(256);
  /** Lines that were typed and not asked for, and whether there are no more. */
  let lines = 0;
  let ended = false;

  async function next(): Promise<boolean> {
    while (lines === 0 && !ended) {
      const number = await read(buffer).catch(() => null);
      if (number === null) ended = true;
      else lines += buffer.subarray(0, number).filter((byte) => byte === 0x0a).length;
    }
    if (lines === 0) return false;
    lines--;
    return true;
  }

  return async (signal) => {
    const aborted = Promise.withResolvers<boolean>();
    const abort = () => aborted.resolve(false);
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    // Nothing gives a read of a terminal up; what it gets is not needed any more then.
    const pressed = await Promise.race([next(), aborted.promise]);
    signal.removeEventListener("abort", abort);
    return pressed;
  };
}
