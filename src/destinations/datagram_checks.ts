import { decodeReply } from "../net/dns/message.ts";
import { encodeQuestion, type Question } from "../net/dns/question.ts";
import type { Stream } from "../net/stream.ts";
import { LONGEST_DATAGRAM } from "../net/udp/buffers.ts";
import { CheckError } from "./conversation.ts";

/**
 * Sends a datagram to a server and looks for a text in the first one that comes back.
 *
 * @throws {CheckError} If that is not in it.
 */
export async function checkUdp(
  server: Stream,
  { send, expect }: { send: string; expect: string },
): Promise<void> {
  await server.write(new TextEncoder().encode(send));
  const buffer = new Uint8Array(LONGEST_DATAGRAM);
  const text = new TextDecoder().decode(buffer.subarray(0, await server.read(buffer)));
  if (text.includes(expect)) return;
  throw new CheckError(`its check expected ${JSON.stringify(expect)} in vain`);
}

/**
 * Asks a name server for the addresses of a name. It passes if it answers, also that there is no such
 * name; an error such as SERVFAIL or REFUSED is what clients would get, too.
 *
 * @throws {CheckError} If it cannot or will not say.
 */
export async function checkDns(server: Stream, name: string): Promise<void> {
  const [id = 0] = crypto.getRandomValues(new Uint16Array(1));
  const question: Question = { id, name: name.toLowerCase().replace(/\.$/, ""), type: "A" };
  await server.write(encodeQuestion(question, { extended: false }));
  const buffer = new Uint8Array(LONGEST_DATAGRAM);
  for (;;) {
    const reply = decodeReply(buffer.subarray(0, await server.read(buffer)), question);
    if (reply?.kind === "failure") throw new CheckError(`its check failed: ${reply.problem}`);
    if (reply) return;
  }
}
