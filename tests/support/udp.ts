import { until } from "./servers.ts";

/** A datagram as it came. */
export interface Received {
  readonly bytes: Uint8Array;
  readonly text: string;
  readonly from: Deno.NetAddr;
}

/** How a server answers: with nothing unless it sends something. */
export type Answer = (received: Received, server: UdpServer) => void | Promise<unknown>;

/** A UDP server in this process, on a free port of loopback. */
export class UdpServer implements AsyncDisposable {
  /** Everything that has come. */
  readonly received: Received[] = [];
  readonly #socket: Deno.DatagramConn;
  readonly #ended: Promise<void>;

  constructor(answer: Answer = echo, hostname = "127.0.0.1") {
    this.#socket = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
    this.#ended = this.#run(answer);
  }

  get port(): number {
    return (this.#socket.addr as Deno.NetAddr).port;
  }

  /** As a destination. */
  get address(): string {
    const { hostname, port } = this.#socket.addr as Deno.NetAddr;
    return `udp:${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
  }

  /** What has come, as texts. */
  get texts(): string[] {
    return this.received.map(({ text }) => text);
  }

  send(what: string | Uint8Array, to: Deno.NetAddr): Promise<number> {
    return this.#socket.send(bytesOf(what), to);
  }

  async #run(answer: Answer): Promise<void> {
    for await (const [bytes, from] of this.#socket) {
      const received = receivedOf(bytes, from as Deno.NetAddr);
      this.received.push(received);
      await answer(received, this);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.#ended;
  }
}

/** Sends everything back. */
export function echo({ bytes, from }: Received, server: UdpServer): Promise<number> {
  return server.send(bytes, from);
}

/** Answers nothing. */
export function silent(): void {}

/** A UDP client with a port of its own. */
export class UdpClient implements AsyncDisposable {
  /** What has come and nobody has asked for. */
  readonly received: Received[] = [];
  readonly #socket: Deno.DatagramConn;
  readonly #to: Deno.NetAddr;
  readonly #ended: Promise<void>;

  /** @param options.hostname Where it sends from. */
  constructor(
    port: number,
    options: { hostname?: string; server?: string } = {},
  ) {
    const { hostname = "127.0.0.1", server = "127.0.0.1" } = options;
    this.#socket = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
    this.#to = { transport: "udp", hostname: server, port };
    this.#ended = this.#run();
  }

  get port(): number {
    return (this.#socket.addr as Deno.NetAddr).port;
  }

  async send(...what: (string | Uint8Array)[]): Promise<void> {
    for (const one of what) await this.#socket.send(bytesOf(one), this.#to);
  }

  /** The next datagram, as soon as there is one. */
  async next(): Promise<Received> {
    await until(() => this.received.length > 0, "a datagram comes");
    return this.received.shift()!;
  }

  /** Sends something and gives the next datagram as text. */
  async ask(what: string): Promise<string> {
    await this.send(what);
    return (await this.next()).text;
  }

  async #run(): Promise<void> {
    for await (const [bytes, from] of this.#socket) {
      this.received.push(receivedOf(bytes, from as Deno.NetAddr));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.#ended;
  }
}

function receivedOf(bytes: Uint8Array, from: Deno.NetAddr): Received {
  return { bytes, text: new TextDecoder().decode(bytes), from };
}

function bytesOf(what: string | Uint8Array): Uint8Array {
  return typeof what === "string" ? new TextEncoder().encode(what) : what;
}
