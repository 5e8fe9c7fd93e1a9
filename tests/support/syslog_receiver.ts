import { until } from "./servers.ts";

/** A message in the parts that RFC 5424 gives it. */
export interface ParsedMessage {
  facility: number;
  severity: number;
  time: string;
  hostname: string;
  app: string;
  pid: string;
  id: string;
  data: string;
  /** Without its byte order mark. */
  text: string;
  /** Whether it has one. */
  marked: boolean;
}

/**
 * Reads a datagram as strictly as the grammar is.
 *
 * @see RFC 5424, section 6
 */
export function parseSyslog(datagram: Uint8Array): ParsedMessage {
  const line = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(datagram);
  const printable = (most: number) => `[\\x21-\\x7e]{1,${most}}`;
  const time = "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d{1,6})?(?:Z|[+-]\\d\\d:\\d\\d)";
  const grammar = new RegExp(
    `^<(0|[1-9]\\d{0,2})>1 (-|${time}) (${printable(255)}) (${printable(48)}) ` +
      `(${printable(128)}) (${printable(32)}) (-)(?: (.*))?$`,
    "s",
  );
  const [match, priority, ...fields] = grammar.exec(line) ?? [];
  if (match === undefined || Number(priority) > 191) {
    throw new Error(`not as RFC 5424 wants it: ${JSON.stringify(line)}`);
  }
  const [at, hostname, app, pid, id, data, text = ""] = fields as string[];
  const marked = text.startsWith("\uFEFF");
  return {
    facility: Math.floor(Number(priority) / 8),
    severity: Number(priority) % 8,
    time: at!,
    hostname: hostname!,
    app: app!,
    pid: pid!,
    id: id!,
    data: data!,
    text: marked ? text.slice(1) : text,
    marked,
  };
}

/** A syslog daemon that keeps what it gets. */
export class SyslogReceiver implements AsyncDisposable {
  readonly messages: ParsedMessage[] = [];
  /** The longest datagram so far, in bytes. */
  longest = 0;
  /** What follows `syslog:` to send here. */
  readonly address: string;
  readonly #socket: Deno.DatagramConn;
  readonly #receiving: Promise<void>;

  private constructor(address: string, socket: Deno.DatagramConn) {
    this.address = address;
    this.#socket = socket;
    this.#receiving = this.#receive();
  }

  /** Listens at a path that does not exist yet. */
  static unix(path: string): SyslogReceiver {
    const socket = Deno.listenDatagram({ transport: "unixpacket", path });
    return new SyslogReceiver(`unix:${path}`, socket);
  }

  /** Listens on a port of loopback that the kernel picks. */
  static udp(hostname = "127.0.0.1"): SyslogReceiver {
    const socket = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
    const { port } = socket.addr as Deno.NetAddr;
    return new SyslogReceiver(
      `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`,
      socket,
    );
  }

  get texts(): string[] {
    return this.messages.map(({ text }) => text);
  }

  /** The first message that matches, as soon as it is there. */
  async received(pattern: RegExp): Promise<ParsedMessage> {
    const find = () => this.messages.find(({ text }) => pattern.test(text));
    await until(() => find() !== undefined, `syslog has ${pattern}`);
    return find()!;
  }

  async #receive(): Promise<void> {
    for await (const [datagram] of this.#socket) {
      this.longest = Math.max(this.longest, datagram.length);
      // An empty one is none, as to every syslog daemon.
      if (datagram.length > 0) this.messages.push(parseSyslog(datagram));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.#receiving;
    if (this.address.startsWith("unix:")) await Deno.remove(this.address.slice("unix:".length));
  }
}
