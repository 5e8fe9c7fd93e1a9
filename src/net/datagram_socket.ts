import { canonicalIp } from "./address.ts";

/** Where datagrams are sent: to a UDP port, or to a Unix-domain socket. */
export type DatagramTarget =
  | { readonly transport: "udp"; readonly hostname: string; readonly port: number }
  /** A path that begins with NUL is a name in the abstract namespace. */
  | { readonly transport: "unix"; readonly path: string };

/** A socket that sends datagrams to one target. */
export interface DatagramSocket {
  /** Sends a datagram; rejects if that failed. */
  send(bytes: Uint8Array): Promise<void>;
  /** Closes it, once. A send to a receiver that does not read may stay pending. */
  close(): void;
}

/** A socket that asks one peer, and hears nobody else. */
export interface AskingSocket {
  /** Sends a datagram; rejects if that failed. */
  send(bytes: Uint8Array): Promise<void>;
  /**
   * The next datagram of the peer, in the buffer; what is longer is cut. Rejects once it is closed.
   */
  receive(buffer: Uint8Array): Promise<Uint8Array>;
  /** Closes it, once. */
  close(): void;
}

/** Options of {@linkcode openDatagramSocket}. */
export interface DatagramSocketOptions {
  /** Where a Unix-domain socket has its name for a moment; a new temporary directory if absent. */
  directory?: string | undefined;
}

/**
 * Opens a socket to send from. Whether there is a receiver does not matter.
 *
 * The runtime opens Unix-domain sockets only with a name. Nobody answers to it, so it is removed at
 * once: a socket lives on without it. Before Deno 2.9 the abstract namespace cannot be reached.
 *
 * @throws The system's error, if there can be no such socket.
 */
export function openDatagramSocket(
  target: DatagramTarget,
  options: DatagramSocketOptions = {},
): DatagramSocket {
  const socket = target.transport === "udp" ? openUdp() : openUnix(options.directory);
  const address: Deno.Addr = target.transport === "udp"
    ? { transport: "udp", hostname: target.hostname, port: target.port }
    : { transport: "unixpacket", path: target.path };
  return {
    async send(bytes) {
      await socket.send(bytes, address);
    },
    close: () => socket.close(),
  };
}

/**
 * Opens a socket at a random port to ask a UDP port. The runtime connects no datagram sockets, so
 * what others send there is dropped here, and nobody tells that the port is closed.
 *
 * @param peer.hostname An IP address in its canonical spelling.
 * @throws The system's error, if there can be no such socket.
 */
export function openAskingSocket(
  peer: { readonly hostname: string; readonly port: number },
): AskingSocket {
  const { hostname, port } = peer;
  const socket = Deno.listenDatagram({
    transport: "udp",
    hostname: hostname.includes(":") ? "::" : "0.0.0.0",
    port: 0,
  });
  return {
    async send(bytes) {
      await socket.send(bytes, { transport: "udp", hostname, port });
    },
    async receive(buffer) {
      for (;;) {
        const [bytes, from] = await socket.receive(buffer);
        const { hostname: host, port: source } = from as Deno.NetAddr;
        if (source === port && canonicalIp(host) === hostname) return bytes;
      }
    },
    close: () => socket.close(),
  };
}

function openUdp(): Deno.DatagramConn {
  const [transport, port] = ["udp", 0] as const;
  try {
    // This one reaches IPv4 as well.
    return Deno.listenDatagram({ transport, hostname: "::", port });
  } catch {
    return Deno.listenDatagram({ transport, hostname: "0.0.0.0", port });
  }
}

function openUnix(directory: string | undefined): Deno.DatagramConn {
  const own = directory ? undefined : Deno.makeTempDirSync({ prefix: "iawlb-" });
  const path = `${directory || own}/send-${Deno.pid}`;
  try {
    return Deno.listenDatagram({ transport: "unixpacket", path });
  } finally {
    tryRemove(path);
    if (own) tryRemove(own);
  }
}

function tryRemove(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // There is nothing to remove, or whoever owns the directory removes it.
  }
}
