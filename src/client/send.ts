import { type Address, AddressError, parseAddress } from "../net/address.ts";
import { MOST_OVER_IPV4 } from "../net/udp/buffers.ts";
import { DURATION_FORM, parseDuration } from "../base/duration.ts";
import { FatalError, messageOf, UsageError } from "../base/errors.ts";
import { plural, quote } from "../base/text.ts";
import { readArguments } from "./arguments.ts";
import { type Conversation, openConversation } from "./conversations.ts";
import { printable } from "./format.ts";
import { talkFreely } from "./free_talk.ts";

/** How long an answer may take unless told otherwise, and at most, in milliseconds. */
const USUAL_MS = 5000;
const LONGEST_MS = 86_400_000;

/** What `iawlb send` was told. */
export interface SendArguments {
  readonly address: Address;
  readonly udp: boolean;
  /** In milliseconds. */
  readonly timeout: number;
  readonly messages: readonly string[];
}

/**
 * `iawlb send`: sends each message and prints each answer with its length; without messages whatever
 * comes from standard input.
 *
 * @param print Gets the lines for standard output.
 * @returns The exit status: 1 if an answer did not come.
 * @throws {UsageError} If the arguments are not allowed.
 * @throws {FatalError} If there is no connection.
 */
export async function send(
  args: readonly string[],
  print: (line: string) => void,
): Promise<number> {
  const given = readSendArguments(args);
  if (given === undefined) {
    print(SEND_HELP);
    return 0;
  }
  const conversation = await open(given);
  try {
    if (given.messages.length === 0) return await talkFreely(conversation, given);
    return await ask(conversation, given, print);
  } catch (error) {
    if (error instanceof FatalError) throw error;
    throw new FatalError(`the connection failed: ${messageOf(error)}`, { cause: error });
  } finally {
    conversation.close();
  }
}

/**
 * Sorts the arguments; `undefined` if it is asked for help.
 *
 * @throws {UsageError} If they are not allowed.
 */
export function readSendArguments(args: readonly string[]): SendArguments | undefined {
  const { operands: [to, ...messages], switches, values } = readArguments(args, {
    switches: ["udp"],
    values: ["timeout"],
  });
  if (switches.has("help")) return undefined;
  const address = readTarget(to, switches.has("udp"));
  const udp = switches.has("udp") || address.transport === "udp";
  const long = udp ? messages.map(bytesOf).find((length) => length > MOST_OVER_IPV4) : undefined;
  if (long !== undefined) {
    throw new UsageError(
      `MESSAGE has ${long} bytes, more than fit into a datagram; must have at most ${MOST_OVER_IPV4}`,
    );
  }
  return { address, udp, timeout: readTimeout(values), messages };
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

function readTarget(text: string | undefined, udp: boolean): Address {
  if (text === undefined) {
    throw new UsageError(
      "ADDR is missing: say where to send, such as: iawlb send localhost:7 hello",
    );
  }
  try {
    const protocol = udp ? "udp" : "tcp";
    const address = parseAddress(text, { minPort: 1, protocol, udp: true });
    if (!udp || address.transport !== "unix") return address;
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    throw new UsageError(`ADDR ${quote(text)}: ${error.message}`);
  }
  throw new UsageError(`ADDR ${quote(text)}: must be HOST:PORT with --udp`);
}

function readTimeout(values: ReadonlyMap<string, string>): number {
  const text = values.get("timeout");
  if (text === undefined) return USUAL_MS;
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0 && ms <= LONGEST_MS) return ms;
  throw new UsageError(`--timeout ${quote(text)}: must be ${DURATION_FORM}, from 1ms to 1d`);
}

async function open(given: SendArguments): Promise<Conversation> {
  try {
    return await openConversation(given);
  } catch (error) {
    throw new FatalError(`cannot connect: ${messageOf(error)}`, { cause: error });
  }
}

async function ask(
  conversation: Conversation,
  { messages, timeout }: SendArguments,
  print: (line: string) => void,
): Promise<number> {
  for (const message of messages) {
    const answer = await conversation.ask(message, timeout);
    if (answer === "late") {
      print(`no answer within ${timeout} ms`);
      return 1;
    }
    if (answer === "ended") {
      print("no answer: the connection was closed");
      return 1;
    }
    const lines = new TextDecoder().decode(answer).replace(/\r?\n$/, "").split(/\r?\n/);
    print(`${plural(answer.length, "byte")}: ${lines.map(printable).join("\n")}`);
  }
  return 0;
}

const SEND_HELP = `iawlb send: a small client for services and servers

Usage: iawlb send ADDR [--udp] [--timeout TIME] [MESSAGE ...]

ADDR is PORT (of localhost), HOST:PORT, [IPV6]:PORT or unix:/path; udp:HOST:PORT
is HOST:PORT with --udp. A MESSAGE that begins with a dash stands after --.

Sends each MESSAGE, over TCP as a line, and prints each answer with its length
in bytes. Over TCP an answer is what comes up to the end of a line, or until
nothing more comes for a moment; with --udp it is one datagram. Without a
MESSAGE it sends what it reads from standard input, tells the end of that to the
other side, and writes what comes to standard output until that ends, too; with
--udp until nothing has come for --timeout after the end of the input.

Options:
  --udp           sends datagrams
  --timeout TIME  how long to wait for a connection and for the answer to each
                  MESSAGE, such as 500ms or 10s (5s)
  -h, --help      shows this

Exit status: 0 every MESSAGE was answered, or without one the other side has
finished; 1 an answer did not come, or there is no connection or it broke; 2 bad
usage.`;
