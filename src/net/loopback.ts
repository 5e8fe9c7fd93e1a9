import { connect } from "./connect.ts";
import type { SocketAddress, TcpEnd } from "./address.ts";
import { adopt } from "./socket.ts";
import type { Stream } from "./stream.ts";

/** The two ends of a connection. */
export interface Pair {
  readonly near: Stream;
  readonly far: Stream;
}

/**
 * A port of loopback for connections of the program to itself: only a socket tells when the runtime
 * has looked at the sockets.
 */
export class Loopback implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });

  /**
   * A new connection; both of its ends are the caller's.
   *
   * @throws If there is no loopback, no descriptor, or somebody else has connected first. The port
   * is of no use after that.
   * @throws The signal's reason, if it is aborted first.
   */
  async connect(options: { signal?: AbortSignal } = {}): Promise<Pair> {
    const { port } = this.#listener.addr;
    const [accepted, connected] = await Promise.allSettled([
      this.#listener.accept().then((conn) => adopt(conn)),
      connect({ hostname: "127.0.0.1", port }, options).catch((error) => {
        this[Symbol.dispose]();
        throw error;
      }),
    ]);
    if (accepted.status === "fulfilled" && connected.status === "fulfilled") {
      const [near, far] = [connected.value, accepted.value];
      if (portOf(far.remoteAddress) === portOf(near.localAddress)) return { near, far };
    }
    for (const end of [accepted, connected]) if (end.status === "fulfilled") end.value.close();
    if (connected.status === "rejected") throw connected.reason;
    if (accepted.status === "rejected") throw accepted.reason;
    throw new Error("somebody else has connected first");
  }

  [Symbol.dispose](): void {
    this.#listener[Symbol.dispose]();
  }
}

function portOf(address: SocketAddress): number {
  return (address as TcpEnd).port;
}
