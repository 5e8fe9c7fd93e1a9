import type { Connector } from "./connector.ts";
import { latin1 } from "./conversation.ts";
import type { Stream } from "../net/stream.ts";

/** Most bytes of an answer that are looked at. */
export const LONGEST_LINE = 1024;

/** Thrown when an agent was connected but has not said a whole line. */
export class AgentError extends Error {
  override readonly name = "AgentError";
}

/**
 * Asks an agent once: connects, says nothing, and takes its first line, without the end. What comes
 * behind it is not read. A line that is cut by the end of the connection is none, since half a number
 * is a number, too.
 *
 * @throws {AgentError} If there is no whole line within {@linkcode LONGEST_LINE}.
 * @throws {DialError} If it could not be connected.
 * @throws The signal's reason, if it is aborted first.
 */
export async function askAgent(
  connector: Connector,
  { signal, timeout }: { signal: AbortSignal; timeout: number },
): Promise<string> {
  const conn = await connector.connect({ signal, timeout });
  const onAbort = () => conn.close();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    signal.throwIfAborted();
    return await firstLine(conn);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
    conn.close();
  }
}

async function firstLine(conn: Stream): Promise<string> {
  const buffer = new Uint8Array(LONGEST_LINE);
  for (let length = 0; length < buffer.length;) {
    const received = await conn.read(buffer.subarray(length));
    if (received === 0) {
      throw new AgentError(length === 0 ? "it closed without a word" : "its line has no end");
    }
    const end = buffer.subarray(length, length + received).findIndex(endsLine);
    length += received;
    if (end === -1) continue;
    const line = latin1(buffer.subarray(0, length - received + end));
    if (line.includes("\0")) throw new AgentError("its line has a NUL");
    return line;
  }
  throw new AgentError(`its line has more than ${LONGEST_LINE} bytes`);
}

/** CR or LF. */
function endsLine(byte: number): boolean {
  return byte === 13 || byte === 10;
}
