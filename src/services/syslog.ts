import { FACILITIES, LEVELS, passes, type SyslogFilter } from "../config/values/syslog_filter.ts";
import type { Stream } from "../net/stream.ts";
import { DatagramStream } from "./datagram_stream.ts";
import { type Line, LineInput } from "./line_input.ts";
import { escaped } from "./escaped.ts";
import { type Client, converse, type Service, type ServiceContext } from "./service.ts";

/** Longest message in bytes; the rest of a longer one is not shown. RFC 5424, 6.1 asks for 2048. */
const MAX_MESSAGE = 8192;

/** What a message without a priority has: user.notice (RFC 3164, 4.3.3). */
const USUAL_PRIORITY = 13;

/** The highest priority that there is: local7.debug. */
const MAX_PRIORITY = 191;

const LF = 0x0a;

/** What stands before a message of so many bytes (RFC 6587, 3.4.1), from its beginning on. */
const COUNT = /^[1-9]\d{0,8} </;

/** Longest {@linkcode COUNT} in bytes. */
const MAX_COUNT = 11;

/**
 * Shows the messages that it gets, each in a line: when it came, from whom, its facility and level.
 *
 * A message is a line, or is as long as the number before it says (RFC 6587). It is shown before the
 * next one is read, so that whoever sends faster than it can be shown has to wait.
 */
export function syslog(filter: () => SyslogFilter, context: ServiceContext): Service {
  const idle = new Set<Stream>();
  let finishing = false;

  async function receive(stream: Stream, client: Client): Promise<void> {
    const input = new LineInput(stream, MAX_MESSAGE);
    for (;;) {
      if (finishing && input.buffered === 0) return;
      if (input.buffered === 0) idle.add(stream);
      await input.peek(1);
      idle.delete(stream);
      const message = await next(input);
      if (!message) return;
      const line = syslogLine(message, { client, filter: filter(), now: new Date() });
      if (line !== undefined) await context.show(line);
    }
  }

  async function show(datagram: Uint8Array, client: Client): Promise<undefined> {
    const end = datagram.at(-1) === LF ? -1 : undefined;
    const whole = datagram.subarray(0, end);
    const message = { bytes: whole.subarray(0, MAX_MESSAGE), cut: whole.length > MAX_MESSAGE };
    const line = syslogLine(message, { client, filter: filter(), now: new Date() });
    if (line !== undefined) await context.show(line);
  }

  return {
    exchange: (client) => new DatagramStream(client, (datagram) => show(datagram, client)),
    connect: (client) => converse((stream) => receive(stream, client), context),
    finish(now) {
      finishing = now;
      if (now) { for (const stream of idle) stream.close(); }
    },
  };
}

/** The next message; `undefined` at the end. */
async function next(input: LineInput): Promise<Line | undefined> {
  const [count] = COUNT.exec(await beginning(input)) ?? [];
  if (count === undefined) return await input.line();
  await input.exactly(count.length - 1);
  return await input.exactly(parseInt(count));
}

/** As much of a message as says whether it begins with its length. */
async function beginning(input: LineInput): Promise<string> {
  for (let length = 1;; length++) {
    const text = String.fromCharCode(...await input.peek(length));
    if (text.length < length || length === MAX_COUNT || !/^[1-9]\d* ?$/.test(text)) return text;
  }
}

/** How a message is shown; `undefined` if it is not to be. */
export function syslogLine(
  { bytes, cut }: Line,
  { client, filter, now }: { client: Client; filter: SyslogFilter; now: Date },
): string | undefined {
  const text = new TextDecoder().decode(bytes);
  const [head = "", number] = /^<(\d{1,3})>(?:1 )?/.exec(text) ?? [];
  const known = number !== undefined && Number(number) <= MAX_PRIORITY;
  const priority = known ? Number(number) : USUAL_PRIORITY;
  const [facility, level] = [priority >> 3, priority & 7];
  if (text.length === 0 || !passes(filter, facility, level)) return undefined;
  const shown = escaped(known ? text.slice(head.length) : text);
  const name = `${FACILITIES[facility]}.${LEVELS[level]}`;
  return `${now.toISOString()} ${client.name} ${name} ${shown}${cut ? "…" : ""}`;
}
