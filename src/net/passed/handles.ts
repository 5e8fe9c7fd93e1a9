import process from "node:process";

/** What the runtime's sockets of Node.js are made of, as far as it is needed here. */
interface StreamHandle {
  /** Takes over a descriptor. Returns 0, or what is wrong, as the negative number of the system. */
  open(fd: number): number;
  /** Looks for connections, and goes on doing so until some have come. */
  listen(backlog: number): number;
  /** Closes it with its descriptor, at once. */
  close(): void;
  /** Another descriptor of the same socket, which programs that are started do not inherit. */
  fdForIpc(): number;
  /** Called for each connection that was found, unless one is left where it is. */
  onconnection?: (status: number) => void;
}

/** One of TCP. */
export interface TcpHandle extends StreamHandle {
  /** Gives the next connection that was found to a new handle. Returns 0, or -11 if there is none. */
  accept(client: TcpHandle): number;
  getsockname(end: HandleEnd): number;
  getpeername(end: HandleEnd): number;
  /** Makes a resource of the runtime of its connection, which it has no more. */
  takeStream(): number;
}

/** One of a Unix-domain socket. */
export interface PipeHandle extends StreamHandle {
  accept(client: PipeHandle): number;
}

/** One end of a connection, filled in by the runtime. */
export interface HandleEnd {
  address?: string;
  port?: number;
}

/** What a new handle is for. */
export const CONNECTION = 0;
export const LISTENER = 1;

/** How handles are made. */
export interface Handles {
  readonly Tcp: new (what: typeof CONNECTION | typeof LISTENER) => TcpHandle;
  /** Absent where the runtime closes their descriptors twice: before Deno 2.9.6. */
  readonly Pipe: (new (what: typeof CONNECTION | typeof LISTENER) => PipeHandle) | undefined;
}

/**
 * What can listen on a descriptor: nothing of the runtime's own can (Deno 2.9.6), and a server of Node.js
 * accepts whatever comes. What that is made of leaves connections to the kernel.
 *
 * @returns `undefined` where there is nothing: before Deno 2.8.
 */
export function findHandles(): Handles | undefined {
  try {
    const { binding } = process as unknown as { binding(name: string): Record<string, unknown> };
    const Tcp = binding("tcp_wrap").TCP as Handles["Tcp"];
    const needed = ["open", "listen", "accept", "fdForIpc", "getpeername", "takeStream"] as const;
    if (!needed.every((name) => typeof Tcp.prototype[name] === "function")) return undefined;
    const Pipe = closesOnce() ? binding("pipe_wrap").Pipe as Handles["Pipe"] : undefined;
    return { Tcp, Pipe };
  } catch {
    return undefined;
  }
}

function closesOnce(): boolean {
  const [major = 0, minor = 0, patch = 0] = Deno.version.deno.split(".").map(Number.parseFloat);
  return major > 2 || (major === 2 && (minor > 9 || (minor === 9 && patch >= 6)));
}
