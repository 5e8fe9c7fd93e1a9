import { putBytes } from "../base/output.ts";
import { after } from "../base/timer.ts";
import type { Conversation } from "./conversations.ts";

/** Most bytes that are read at a time; a datagram has no more. */
const BUFFER = 65_507;

/**
 * Sends what comes from standard input, and writes what comes back to standard output. Over TCP until
 * the other side has finished; over UDP until nothing has come for so long after the end of the input.
 *
 * @returns The exit status.
 */
export async function talkFreely(
  conversation: Conversation,
  { udp, timeout }: { udp: boolean; timeout: number },
): Promise<number> {
  let silence = after(Infinity, () => {});
  let finished = false;

  /** Over UDP nobody says that nothing more comes. */
  function expect(): void {
    silence.stop();
    if (udp && finished) silence = after(timeout, () => conversation.close());
  }

  async function speak(): Promise<void> {
    const buffer = new Uint8Array(BUFFER);
    for (;;) {
      const number = await Deno.stdin.read(buffer);
      if (number === null) break;
      await conversation.write(buffer.subarray(0, number));
    }
    finished = true;
    await conversation.end();
    expect();
  }

  // Who does not listen any more may still have something to say.
  speak().catch(() => {});
  const buffer = new Uint8Array(BUFFER);
  try {
    for (;;) {
      const bytes = await conversation.read(buffer);
      if (bytes.length === 0 && !udp) return 0;
      putBytes(bytes);
      expect();
    }
  } catch (error) {
    if (udp && finished && error instanceof Deno.errors.BadResource) return 0;
    if (udp && finished && error instanceof Deno.errors.Interrupted) return 0;
    throw error;
  } finally {
    silence.stop();
  }
}
