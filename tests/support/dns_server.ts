import { type Asked, encodeReply, readQuestion, type ReplyParts } from "./dns_message.ts";

/** What a server does with a question: sends these messages, one after the other, or nothing. */
export type Script = (asked: Asked, number: number) => Sent | Promise<Sent>;

/** A reply as it should be, or bytes as they are; several of them in a list. */
export type Sent = ReplyParts | Uint8Array | readonly (ReplyParts | Uint8Array)[] | undefined;

/** A name server on a free port of loopback that says what a test wants it to say, over UDP and TCP. */
export class DnsServer implements AsyncDisposable {
  readonly port: number;
  /** Everything it was asked so far. */
  readonly asked: Asked[] = [];
  /** Where the datagrams came from. */
  readonly sources: number[] = [];
  /** What it does, which a test may change. */
  script: Script;
  readonly #udp: Deno.DatagramConn;
  readonly #tcp: Deno.TcpListener;
  readonly #conns = new Set<Deno.Conn>();
  readonly #loops: Promise<void>[];

  /** It is on a free port of 127.0.0.1 unless told otherwise. */
  constructor(script: Script, options: { hostname?: string; port?: number } = {}) {
    const { hostname = "127.0.0.1", port = 0 } = options;
    this.script = script;
    [this.#udp, this.#tcp] = listenBoth(hostname, port);
    this.port = (this.#udp.addr as Deno.NetAddr).port;
    this.#loops = [this.#serveUdp(), this.#serveTcp()];
  }

  /** As a value of `--resolver`. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** As the resolver has it. */
  get setting(): { hostname: string; port: number } {
    return { hostname: "127.0.0.1", port: this.port };
  }

  /** How often something was asked. */
  count(name: string, type?: number): number {
    return this.asked.filter((one) => {
      return one.name === name && (type === undefined || one.type === type);
    }).length;
  }

  /** Sends a datagram to who asked last. */
  async send(bytes: Uint8Array): Promise<void> {
    const to = { transport: "udp", hostname: "127.0.0.1", port: this.sources.at(-1)! } as const;
    await this.#udp.send(bytes, to);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#udp.close();
    this.#tcp.close();
    for (const conn of this.#conns) tryClose(conn);
    await Promise.all(this.#loops);
  }

  async #serveUdp(): Promise<void> {
    const replies = new Set<Promise<void>>();
    for (;;) {
      let received: [Uint8Array, Deno.Addr];
      try {
        received = await this.#udp.receive();
      } catch {
        break;
      }
      const [message, from] = received;
      this.sources.push((from as Deno.NetAddr).port);
      const reply = this.#answer(message, "udp", async (bytes) => {
        await this.#udp.send(bytes, from);
      }).catch(() => {}).finally(() => replies.delete(reply));
      replies.add(reply);
    }
    await Promise.all(replies);
  }

  async #serveTcp(): Promise<void> {
    const served = new Set<Promise<void>>();
    for await (const conn of this.#tcp) {
      this.#conns.add(conn);
      const one = this.#serveConn(conn).catch(() => {}).finally(() => {
        tryClose(conn);
        this.#conns.delete(conn);
        served.delete(one);
      });
      served.add(one);
    }
    await Promise.all(served);
  }

  async #serveConn(conn: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(1024);
    for (let length = 0;;) {
      const n = await conn.read(buffer.subarray(length));
      if (n === null) return;
      length += n;
      if (length < 2 || length < 2 + (buffer[0]! << 8 | buffer[1]!)) continue;
      await this.#answer(buffer.slice(2, length), "tcp", async (bytes) => {
        const framed = Uint8Array.from([bytes.length >> 8, bytes.length & 0xff, ...bytes]);
        for (let at = 0; at < framed.length;) at += await conn.write(framed.subarray(at));
      });
      length = 0;
    }
  }

  async #answer(
    message: Uint8Array,
    via: Asked["via"],
    send: (bytes: Uint8Array) => Promise<void>,
  ): Promise<void> {
    const asked = readQuestion(message, via);
    this.asked.push(asked);
    const sent = await this.script(asked, this.asked.length);
    if (!sent) return;
    const list: readonly (ReplyParts | Uint8Array)[] = isList(sent) ? sent : [sent];
    for (const one of list) {
      await send(one instanceof Uint8Array ? one : encodeReply(asked, one));
    }
  }
}

function isList(sent: NonNullable<Sent>): sent is readonly (ReplyParts | Uint8Array)[] {
  return Array.isArray(sent);
}

/** The same port for both, which another may have taken for one of them. */
function listenBoth(hostname: string, wanted: number): [Deno.DatagramConn, Deno.TcpListener] {
  for (;;) {
    const tcp = Deno.listen({ hostname, port: wanted });
    try {
      const { port } = tcp.addr;
      return [Deno.listenDatagram({ transport: "udp", hostname, port }), tcp];
    } catch (error) {
      tcp.close();
      if (wanted !== 0) throw error;
    }
  }
}

function tryClose(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch {
    // The other side has.
  }
}
