import { messageOf } from "../../base/errors.ts";
import { within } from "../../async/within.ts";
import { connect } from "../connect.ts";
import { type AskingSocket, openAskingSocket } from "../datagram_socket.ts";
import type { Stream } from "../stream.ts";
import { decodeReply, type Reply } from "./message.ts";
import { encodeQuestion, type Question } from "./question.ts";
import type { Answer, NameServer, QuestionType } from "./records.ts";

/**
 * Most bytes of a datagram that are read: three times what servers are asked for. What fills it may
 * have been longer, and is asked for over TCP.
 */
const DATAGRAM = 4096;

/** A server gave no usable answer; the message says why, without naming it. */
export class ExchangeError extends Error {
  override readonly name = "ExchangeError";
  /** Whether it said something, though not what was asked for. */
  readonly answered: boolean;

  constructor(message: string, options: ErrorOptions & { answered?: boolean } = {}) {
    super(message, options);
    this.answered = options.answered ?? false;
  }
}

/** How one server is asked. */
export interface ExchangeOptions {
  /** Milliseconds for an answer by datagrams, and again for one over TCP. */
  timeout: number;
  /** Gives the question up. */
  signal: AbortSignal;
}

/** What is asked of whom. */
export interface Exchange {
  readonly server: NameServer;
  readonly name: string;
  readonly type: QuestionType;
}

/**
 * Asks one server one question: by a datagram, over TCP if the answer does not fit into one, and
 * once more in the old way if it does not understand the new one.
 *
 * @throws {ExchangeError} If it gave no usable answer.
 * @throws The signal's reason, if it is aborted first.
 */
export async function exchange(what: Exchange, options: ExchangeOptions): Promise<Answer> {
  const first = await converse(what, { ...options, extended: true });
  const reply = first.kind === "failure" && first.notUnderstood
    ? await converse(what, { ...options, extended: false })
    : first;
  if (reply.kind === "answer") return reply.answer;
  const problem = reply.kind === "failure" ? reply.problem : "it cut an answer over TCP";
  throw new ExchangeError(problem, { answered: true });
}

async function converse(
  what: Exchange,
  options: ExchangeOptions & { extended: boolean },
): Promise<Reply> {
  const { signal, timeout } = options;
  const limits = { ms: timeout, signal };
  const dropped = { number: 0 };
  const late = () => {
    const seconds = `no answer within ${timeout / 1000} s`;
    const { number } = dropped;
    return new ExchangeError(number === 0 ? seconds : `${seconds}, but ${number} that do not fit`);
  };
  const reply = await within({ ...limits, late }, (signal) => {
    return byDatagram(what, { ...options, signal, onDrop: () => dropped.number++ });
  });
  if (reply.kind !== "truncated") return reply;
  const lateTcp = () => new ExchangeError(`no answer over TCP within ${timeout / 1000} s`);
  return await within({ ...limits, late: lateTcp }, (signal) => {
    return overTcp(what, { ...options, signal });
  });
}

/** Waits for the datagram that answers; whatever else comes is dropped. */
async function byDatagram(
  { server, name, type }: Exchange,
  options: { signal: AbortSignal; extended: boolean; onDrop(): void },
): Promise<Reply> {
  const { signal, extended, onDrop } = options;
  const question: Question = { id: randomId(), name, type };
  const socket = open(server);
  const end = () => socket.close();
  signal.addEventListener("abort", end, { once: true });
  try {
    await socket.send(encodeQuestion(question, { extended }));
    const buffer = new Uint8Array(DATAGRAM);
    for (;;) {
      const bytes = await socket.receive(buffer);
      const reply = decodeReply(bytes, question, { cut: bytes.length === DATAGRAM });
      if (reply) return reply;
      onDrop();
    }
  } catch (error) {
    throw signal.aborted ? signal.reason : new ExchangeError(messageOf(error), { cause: error });
  } finally {
    signal.removeEventListener("abort", end);
    if (!signal.aborted) socket.close();
  }
}

async function overTcp(
  { server, name, type }: Exchange,
  options: { signal: AbortSignal; extended: boolean },
): Promise<Reply> {
  const { signal, extended } = options;
  const question: Question = { id: randomId(), name, type };
  let stream: Stream | undefined;
  const end = () => stream?.close();
  signal.addEventListener("abort", end, { once: true });
  try {
    stream = await connect(server, { signal });
    await write(stream, withLength(encodeQuestion(question, { extended })));
    const [high, low] = await readExactly(stream, 2);
    const reply = decodeReply(await readExactly(stream, high! << 8 | low!), question);
    if (!reply) throw new Error("what came over TCP does not answer the question");
    return reply;
  } catch (error) {
    throw signal.aborted
      ? signal.reason
      : new ExchangeError(`over TCP: ${messageOf(error)}`, { cause: error });
  } finally {
    signal.removeEventListener("abort", end);
    stream?.close();
  }
}

function open(server: NameServer): AskingSocket {
  try {
    return openAskingSocket(server);
  } catch (error) {
    throw new ExchangeError(`no socket to ask it: ${messageOf(error)}`, { cause: error });
  }
}

/** No number that anybody could know (RFC 5452, 9.2). */
function randomId(): number {
  return crypto.getRandomValues(new Uint16Array(1))[0]!;
}

function withLength(message: Uint8Array): Uint8Array {
  const framed = new Uint8Array(2 + message.length);
  framed.set([message.length >> 8, message.length & 0xff]);
  framed.set(message, 2);
  return framed;
}

async function write(stream: Stream, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await stream.write(bytes.subarray(at));
}

async function readExactly(stream: Stream, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const n = await stream.read(bytes.subarray(at));
    if (n === 0) throw new Error("it closed the connection");
    at += n;
  }
  return bytes;
}
