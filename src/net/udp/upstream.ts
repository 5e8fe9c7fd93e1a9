import type { SocketAddress, UdpEnd } from "../address.ts";
import type { Stream } from "../stream.ts";
import type { DatagramCounts } from "./terms.ts";

/**
 * The runtime connects no sockets, so each has a port that no other socket of this machine can have,
 * wherever that sends to.
 */
const NO_PORT = "this machine has no port of UDP for one more socket " +
  "(net.ipv4.ip_local_port_range says which it gives)";

/** Options of {@linkcode openUpstream}. */
export interface UpstreamOptions {
  /** Whether the server may answer from another port than it was asked at. */
  readonly replyPort: "same" | "any";
  readonly counts: Pick<DatagramCounts, "foreign">;
}

/**
 * Opens a socket at a random port to talk to a server with: each write is a datagram, each read one
 * of the server's, of which an empty one is 0 bytes long. After it is closed reads reject.
 *
 * The runtime connects no datagram sockets: what others send there is dropped here, and nobody tells
 * that the server's port is closed.
 *
 * @param server.hostname An IP address in its canonical spelling.
 * @throws The system's error, if there can be no such socket.
 */
export function openUpstream(
  server: { readonly hostname: string; readonly port: number },
  options: UpstreamOptions,
): UpstreamSocket {
  const { hostname, port } = server;
  const socket = openAnywhere(hostname.includes(":") ? "::" : "0.0.0.0");
  return new Upstream(socket, { transport: "udp", hostname, port }, options);
}

function openAnywhere(hostname: string): Deno.DatagramConn {
  try {
    return Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw Object.assign(new Deno.errors.AddrInUse(NO_PORT, { cause: error }), {
      code: "EADDRINUSE",
    });
  }
}

/** The stream of such a socket. */
export interface UpstreamSocket extends Stream {
  readonly localAddress: UdpEnd;
}

class Upstream implements UpstreamSocket {
  readonly localAddress: UdpEnd;
  /** Where the server is: another port once it has answered from there. */
  #server: UdpEnd;
  /** Whether the next answer may come from any port of the server. */
  #anyPort: boolean;
  readonly #socket: Deno.DatagramConn;
  readonly #counts: UpstreamOptions["counts"];
  #closed = false;

  constructor(socket: Deno.DatagramConn, server: UdpEnd, options: UpstreamOptions) {
    this.#socket = socket;
    this.localAddress = socket.addr as UdpEnd;
    this.#server = server;
    this.#anyPort = options.replyPort === "any";
    this.#counts = options.counts;
  }

  get remoteAddress(): SocketAddress {
    return this.#server;
  }

  async read(buffer: Uint8Array): Promise<number> {
    for (;;) {
      const [bytes, from] = await this.#socket.receive(buffer);
      const { hostname, port } = from as UdpEnd;
      if (hostname === this.#server.hostname) {
        if (port !== this.#server.port && this.#anyPort) this.#server = { ...this.#server, port };
        if (port === this.#server.port) {
          this.#anyPort = false;
          return bytes.length;
        }
      }
      this.#counts.foreign++;
    }
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#socket.send(bytes, this.#server);
  }

  /** There is no end that could be told. */
  closeWrite(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }

  sendPromptly(): void {}

  tuneForLongLife(): void {}
}
