/** More came than could make sense. */
export class EndlessError extends Error {
  override readonly name = "EndlessError";

  constructor(limit: number) {
    super(`it goes on beyond ${limit} bytes`);
  }
}

/**
 * The chunks of a body, until the signal is aborted. That ends it at once: an abort that meets the
 * arrival of a chunk can leave the runtime's own iterator waiting for ever (Deno 2.9).
 *
 * @throws The signal's reason, if it is aborted before the end.
 */
export async function* chunksOf(
  body: ReadableStream<Uint8Array> | null,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  if (body === null) return;
  const reader = body.getReader();
  let giveUp = () => {};
  const onAbort = () => giveUp();
  signal.addEventListener("abort", onAbort);
  try {
    for (;;) {
      signal.throwIfAborted();
      const { promise, reject } = Promise.withResolvers<never>();
      giveUp = () => reject(signal.reason);
      const { done, value } = await Promise.race([reader.read(), promise]);
      if (done) return;
      yield value;
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    reader.cancel().catch(() => {});
  }
}

/**
 * A body as text.
 *
 * @throws {EndlessError} If it is longer than so many bytes.
 */
export async function readText(
  body: AsyncIterable<Uint8Array>,
  limit: number,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > limit) throw new EndlessError(limit);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
