import { codeOf, FatalError, messageOf } from "../base/errors.ts";
import { formatSyslogAddress, type SyslogAddress } from "../config/log_target.ts";
import { FACILITIES, type Facility } from "../config/values/syslog_facility.ts";
import { withMarksShown } from "../base/text.ts";
import { waitAtMost } from "../async/wait_at_most.ts";
import { type DatagramSocket, openDatagramSocket } from "../net/datagram_socket.ts";

/** What a message is about, by number. */
const SEVERITY = { error: 3, warning: 4, info: 6, debug: 7 } as const;

/** One of {@linkcode SEVERITY}. */
export type Severity = keyof typeof SEVERITY;

/** What every message says of the program. */
export interface SyslogOrigin {
  readonly facility: Facility;
  /** What the program is called: 1 to 48 visible ASCII characters. */
  readonly ident: string;
}

/** What it says unless it was told otherwise. */
const USUAL: SyslogOrigin = { facility: "daemon", ident: "iawlb" };

/**
 * Longest message in bytes, the header included: what rsyslog takes unless it is told otherwise, and
 * over UDP what every receiver should take.
 *
 * @see RFC 5424, section 6.1
 */
const MAX_BYTES = { unix: 8192, udp: 2048 } as const;

/** Most messages that wait to be sent; further ones are dropped and counted. */
const LIMIT = 10_000;

/** One message. */
export interface SyslogMessage {
  /** Which log it is of. */
  readonly id: "log" | "access";
  readonly severity: Severity;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly text: string;
}

/** Options of {@linkcode Syslog.open}. */
export interface SyslogOptions {
  /** What messages say of the program; `daemon` and `iawlb` if absent. */
  readonly origin?: SyslogOrigin | undefined;
  /** Told when the daemon cannot be reached, and when it can again; not once per message. */
  onTrouble(problem: string): void;
  /** Told of each message that could not be sent. */
  onLoss?(message: SyslogMessage): void;
}

/**
 * Sends messages to a syslog daemon, one datagram each, in the background.
 *
 * `send` never waits and never throws. What a daemon that is away does not get is dropped and
 * counted, and the first message after its return tells how many. Written here because
 * `@logtape/syslog` knows UDP and TCP but no Unix-domain socket.
 */
export class Syslog {
  /** Messages that could not be sent. */
  dropped = 0;
  /** What each message says of the program from now on. */
  origin: SyslogOrigin;
  /** The daemon. */
  readonly #address: SyslogAddress;
  /** Sends to it. */
  readonly #socket: DatagramSocket;
  /** Who learns of trouble, and of lost messages. */
  readonly #options: SyslogOptions;
  /** The name of this machine in each message. */
  readonly #hostname = hostname();
  /** Messages that wait to be sent. */
  readonly #waiting: SyslogMessage[] = [];
  /** The message that is being sent. */
  #current: SyslogMessage | undefined;
  /** The sending under way. */
  #sending: Promise<void> | undefined;
  /** Messages that the daemon is still to be told about. */
  #lost = 0;
  /** Whether nothing is sent any more. */
  #closed = false;

  private constructor(address: SyslogAddress, socket: DatagramSocket, options: SyslogOptions) {
    this.#address = address;
    this.#socket = socket;
    this.#options = options;
    this.origin = options.origin ?? USUAL;
  }

  /**
   * Opens a socket to send from. Whether the daemon is there does not matter yet.
   *
   * @throws {FatalError} If there can be no such socket.
   */
  static open(address: SyslogAddress, options: SyslogOptions): Syslog {
    try {
      return new Syslog(address, openDatagramSocket(address), options);
    } catch (error) {
      throw new FatalError(
        `Cannot open a socket for syslog at ${formatSyslogAddress(address)}: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  /** Takes a message. */
  send(message: SyslogMessage): void {
    if (this.#waiting.length >= LIMIT) this.#lose([message]);
    else this.#waiting.push(message);
    this.#sending ??= this.#sendAll();
  }

  /** Resolves when everything taken so far has been sent or dropped. */
  async flush(): Promise<void> {
    while (this.#sending) await this.#sending;
  }

  /** Sends what is left, but waits no longer than the given time, in milliseconds. */
  async close(options: { patience: number }): Promise<void> {
    await waitAtMost(options.patience, this.flush());
    // A send that the daemon keeps waiting does not even end with the socket.
    const left = this.#waiting.splice(0);
    this.#lose(this.#current ? [this.#current, ...left] : left);
    this.#closed = true;
    this.#socket.close();
  }

  async #sendAll(): Promise<void> {
    try {
      for (;;) {
        const message = this.#waiting.shift();
        if (message === undefined) return;
        this.#current = message;
        await this.#sendOne(message);
        this.#current = undefined;
      }
    } finally {
      // Here and not by whoever waits for this: a message that comes meanwhile would stay.
      this.#sending = undefined;
    }
  }

  async #sendOne(message: SyslogMessage): Promise<void> {
    try {
      if (this.#lost > 0) await this.#reportLoss();
      await this.#write(message);
    } catch (error) {
      if (!this.#closed) this.#lose([message], error);
    }
  }

  /** Says how many messages are missing, once that can be said. */
  async #reportLoss(): Promise<void> {
    const lost = this.#lost;
    const text = `${lost} messages could not be sent to syslog and are lost`;
    await this.#write({ id: "log", severity: "warning", time: Date.now(), text });
    this.#lost -= lost;
    this.#options.onTrouble(text);
  }

  async #write(message: SyslogMessage): Promise<void> {
    const { transport } = this.#address;
    const datagram = formatSyslog(message, {
      ...this.origin,
      hostname: this.#hostname,
      pid: Deno.pid,
      maxBytes: MAX_BYTES[transport],
    });
    await this.#socket.send(datagram);
  }

  #lose(messages: readonly SyslogMessage[], error?: unknown): void {
    const number = messages.length;
    if (this.#lost === 0 && number > 0) {
      const why = error === undefined ? "it does not keep up" : codeOf(error) ?? messageOf(error);
      this.#options.onTrouble(
        `syslog at ${formatSyslogAddress(this.#address)} cannot be reached, messages are lost ` +
          `until it is back: ${why}`,
      );
    }
    this.#lost += number;
    this.dropped += number;
    for (const message of messages) this.#options.onLoss?.(message);
  }
}

/** Options of {@linkcode formatSyslog}. */
export interface SyslogFormat extends SyslogOrigin {
  /** The name of this machine, or `-`. */
  readonly hostname: string;
  readonly pid: number;
  readonly maxBytes: number;
}

/**
 * A message as RFC 5424 wants it, without structured data. A text that is
 * too long ends earlier, at the border of a character. Line breaks and other control characters
 * become `\xHH`, because receivers treat them in many ways.
 *
 * The byte order mark that the RFC wants before UTF-8 stands only where the text is not ASCII: there
 * it says something, and elsewhere it would be in the way of those who search the log.
 */
export function formatSyslog(message: SyslogMessage, format: SyslogFormat): Uint8Array {
  const { id, severity, time } = message;
  const { facility, ident, hostname, pid } = format;
  const priority = FACILITIES[facility] * 8 + SEVERITY[severity];
  const header = `<${priority}>1 ${new Date(time).toISOString()} ${hostname} ${ident} ${pid} ` +
    `${id} - `;
  const text = oneLine(message.text);
  const mark = isAscii(text) ? "" : "\uFEFF";
  const datagram = new Uint8Array(format.maxBytes);
  const { written } = new TextEncoder().encodeInto(header + mark + text, datagram);
  return datagram.subarray(0, written);
}

function oneLine(text: string): string {
  return withMarksShown(text.replace(/\p{Cc}/gu, (char) => {
    return char === "\t" ? " " : `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
  }));
}

function isAscii(text: string): boolean {
  return !/[^\x20-\x7e]/.test(text);
}

/** The name of this machine, from a file because anything else would need one more permission. */
function hostname(): string {
  try {
    const name = Deno.readTextFileSync("/etc/hostname").trim();
    return /^[\x21-\x7e]{1,255}$/.test(name) ? name : "-";
  } catch {
    return "-";
  }
}
