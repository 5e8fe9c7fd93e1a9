import { FatalError, messageOf } from "../base/errors.ts";
import { putBytes } from "../base/output.ts";
import { after } from "../base/timer.ts";
import { LONGEST_DATAGRAM, MOST_OVER_IPV4 } from "../net/udp/buffers.ts";
import type { Conversation } from "./conversations.ts";

/**
 * Sends what comes from standard input, and writes what comes back to standard output. Over TCP until
 * the other side has finished; over UDP until nothing has come for so long after the end of the input.
 *
 * @returns The exit status.
 * @throws {FatalError} If standard input cannot be read.
 */
export async function talkFreely(
  conversation: Conversation,
  { udp, timeout }: { udp: boolean; timeout: number },
): Promise<number> {
  let silence = after(Infinity, () => {});
  let finished = false;
  /** Why nothing more can be sent. */
  let failure: unknown;

  /** Over UDP nobody says that nothing more comes. */
  function expect(): void {
    silence.stop();
    if (udp && finished) silence = after(timeout, () => conversation.close());
  }

  async function speak(): Promise<void> {
    const buffer = new Uint8Array(MOST_OVER_IPV4);
    for (;;) {
      const number = await Deno.stdin.read(buffer).catch((error) => {
        throw new FatalError(`cannot read standard input: ${messageOf(error)}`, { cause: error });
      });
      if (number === null) break;
      await conversation.write(buffer.subarray(0, number));
    }
    finished = true;
    await conversation.end();
    expect();
  }

  speak().catch((error) => {
    // Who does not listen any more may still have something to say, over TCP.
    if (!udp && !(error instanceof FatalError)) return;
    failure = error;
    conversation.close();
  });
  const buffer = new Uint8Array(LONGEST_DATAGRAM);
  try {
    for (;;) {
      const bytes = await conversation.read(buffer);
      if (bytes.length === 0 && !udp) return 0;
      putBytes(bytes);
      expect();
    }
  } catch (error) {
    if (failure !== undefined) throw failure;
    if (udp && finished && error instanceof Deno.errors.BadResource) return 0;
    if (udp && finished && error instanceof Deno.errors.Interrupted) return 0;
    throw error;
  } finally {
    silence.stop();
  }
}
