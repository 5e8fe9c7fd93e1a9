import type { SocketAddress, TcpEnd } from "../address.ts";
import { adopt } from "../socket.ts";
import type { Stream } from "../stream.ts";
import {
  CONNECTION,
  type HandleEnd,
  type Handles,
  LISTENER,
  type PipeHandle,
  type TcpHandle,
} from "./handles.ts";

/** A connection of the runtime by its resource; what the runtime makes of what it accepts itself. */
export type ConnClass = new (
  rid: number,
  remote: SocketAddress,
  local: SocketAddress,
) => Deno.TcpConn;

/** What sockets are made with. */
export interface Kit {
  readonly handles: Handles;
  readonly Conn: ConnClass;
}

/** Where connections come from that the runtime has taken from the kernel, some at a time. */
export interface Source {
  /** Called when some have come, as long as something is left. */
  onArrival: () => void;
  /** The next one that has come; `undefined` if there is none. */
  take(): Stream | undefined;
  /** Looks for more, which need not happen by itself once something was left for a while. */
  look(): void;
  /** Another descriptor of the same socket. */
  copy(): number;
  /** Closes it at once; what has come and was not taken is reset. */
  close(): void;
}

/** A port. */
export class TcpSource implements Source {
  onArrival: () => void = () => {};
  readonly #kit: Kit;
  readonly #handle: TcpHandle;

  constructor(handle: TcpHandle, kit: Kit) {
    this.#kit = kit;
    this.#handle = handle;
    handle.onconnection = () => this.onArrival();
  }

  take(): Stream | undefined {
    const { handles: { Tcp }, Conn } = this.#kit;
    for (;;) {
      const client = new Tcp(CONNECTION);
      const remote: HandleEnd = {};
      const local: HandleEnd = {};
      try {
        if (this.#handle.accept(client) !== 0) return undefined;
        // One that was reset meanwhile has no peer.
        if (client.getpeername(remote) !== 0 || client.getsockname(local) !== 0) continue;
        return adopt(new Conn(client.takeStream(), endOf(remote), endOf(local)));
      } finally {
        client.close();
      }
    }
  }

  /** It listens already: the number counts for nothing. */
  look(): void {
    this.#handle.listen(1);
  }

  copy(): number {
    return this.#handle.fdForIpc();
  }

  close(): void {
    this.#handle.close();
  }
}

/** As the system says it. */
class ShortageError extends Error {
  readonly code = "EMFILE";
}

/** The address that a handle listens at; `undefined` if it has none of TCP. */
export function boundAddress(handle: TcpHandle): TcpEnd | undefined {
  const end: HandleEnd = {};
  return handle.getsockname(end) === 0 && end.address !== undefined ? endOf(end) : undefined;
}

function endOf({ address, port }: HandleEnd): TcpEnd {
  return { transport: "tcp", hostname: address!, port: port! };
}

/** A socket of the file system. */
export class UnixSource implements Source {
  onArrival: () => void = () => {};
  readonly #kit: Kit;
  readonly #backlog: number;
  readonly #ends: { readonly local: SocketAddress; readonly remote: SocketAddress };
  #handle: PipeHandle;
  /** One that has come and for which there was no descriptor. */
  #taken: PipeHandle | undefined;

  /** @param options.backlog How many the kernel keeps waiting: a power of two at least as large counts. */
  constructor(fd: number, options: { kit: Kit; path: string; backlog: number }) {
    const { kit, path, backlog } = options;
    this.#kit = kit;
    this.#backlog = backlog;
    this.#ends = {
      local: { transport: "unix", path },
      remote: { transport: "unix", path: null },
    };
    this.#handle = this.#open(fd);
  }

  take(): Stream | undefined {
    const { handles, Conn } = this.#kit;
    const client = this.#taken ?? new handles.Pipe!(CONNECTION);
    if (!this.#taken && this.#handle.accept(client) !== 0) {
      client.close();
      return undefined;
    }
    const fd = client.fdForIpc();
    this.#taken = fd < 0 ? client : undefined;
    if (fd < 0) throw new ShortageError("there is no descriptor for a connection that has come");
    // Only a handle of TCP makes a resource of the runtime, and it does not ask what it is of.
    const other = new handles.Tcp(CONNECTION);
    try {
      other.open(fd);
      client.close();
      const { remote, local } = this.#ends;
      return adopt(new Conn(other.takeStream(), remote, local), { localAddress: local });
    } finally {
      other.close();
    }
  }

  /** By another handle: to listen twice with one is a defect of the runtime's (Deno 2.9.6). */
  look(): void {
    const fd = this.copy();
    if (fd < 0) return;
    this.#handle.close();
    this.#handle = this.#open(fd);
  }

  copy(): number {
    return this.#handle.fdForIpc();
  }

  close(): void {
    this.#handle.close();
    this.#taken?.close();
  }

  #open(fd: number): PipeHandle {
    const handle = new this.#kit.handles.Pipe!(LISTENER);
    handle.open(fd);
    handle.onconnection = () => this.onArrival();
    handle.listen(this.#backlog - 1);
    return handle;
  }
}
