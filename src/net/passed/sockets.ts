import type { Logger } from "@logtape/logtape";
import { UsageError } from "../../base/errors.ts";
import type { AcceptingSocket } from "../accepting_socket.ts";
import { type Address, canonicalIp, formatSocketAddress, type SocketAddress } from "../address.ts";
import { LISTENER } from "./handles.ts";
import { PassedSocket } from "./socket.ts";
import { type Kit, TcpSource, UnixSource } from "./sources.ts";

/** A listening socket that was passed to the program. */
export interface Passed {
  /** Where it is bound, or the path by which clients know it. */
  readonly address: SocketAddress;
  /** A descriptor of it that is nobody's; listeners have others, so that it outlasts them. */
  fd: number;
  /** How many listeners have it. */
  users: number;
}

/**
 * The listening sockets that a service manager has passed to the program. A listener has the one that is
 * bound to its address, instead of binding that. They stay open until the program ends: a listener that a
 * reload removes and another one adds has it again.
 */
export class PassedSockets {
  readonly #all: readonly Passed[];
  readonly #kit: Kit | undefined;

  constructor(all: readonly Passed[] = [], kit?: Kit) {
    this.#all = all;
    this.#kit = kit;
  }

  get addresses(): string[] {
    return this.#all.map(({ address }) => formatSocketAddress(address));
  }

  /** Those that nobody has. */
  get unused(): string[] {
    const unused = this.#all.filter(({ users }) => users === 0);
    return unused.map(({ address }) => formatSocketAddress(address));
  }

  /**
   * A socket that was passed is one: threads have one each.
   *
   * @param options.option What there are several by.
   * @throws {UsageError} If there is one for the port.
   */
  assertNone(port: number, { option }: { option: string }): void {
    const [name] = this.atPort(port);
    if (name === undefined) return;
    throw new UsageError(
      `${option}: ${name} is a socket that was passed to the program, which threads and processes ` +
        "cannot share; must be one without",
    );
  }

  /** Those of a port, however it is bound. */
  atPort(port: number): string[] {
    const found = this.#all.filter(({ address }) => "port" in address && address.port === port);
    return found.map(({ address }) => formatSocketAddress(address));
  }

  /**
   * Those that stand for an address; none if it has to be bound.
   *
   * @param options.hosts The IP addresses of its host.
   * @param options.backlog How many clients the kernel keeps waiting; counts for paths only.
   */
  open(
    address: Address,
    options: { hosts?: readonly string[]; backlog: number; log: Logger },
  ): AcceptingSocket[] {
    const { hosts = [], backlog, log } = options;
    const wanted = this.#all.filter(({ address: bound }) => {
      if (bound.transport === "unix") {
        return address.transport === "unix" && bound.path === address.path;
      }
      if (address.transport !== "tcp" || bound.port !== address.port) return false;
      return address.hostname === undefined
        ? ["::", "0.0.0.0"].includes(bound.hostname)
        : hosts.some((host) => canonicalIp(host) === canonicalIp(bound.hostname));
    });
    return wanted.map((passed) => this.#open(passed, { backlog, log }));
  }

  #open(passed: Passed, { backlog, log }: { backlog: number; log: Logger }): AcceptingSocket {
    const { address } = passed;
    const name = formatSocketAddress(address);
    const source = address.transport === "unix"
      ? new UnixSource(passed.fd, { kit: this.#kit!, path: address.path!, backlog })
      : this.#openPort(passed.fd);
    passed.fd = source.copy();
    passed.users++;
    log.info("{name} is a socket that was passed to the program", { name });
    return new PassedSocket(source, {
      address,
      onClose() {
        passed.users--;
        log.info("{name} stays open where it came from: who connects waits for the next start", {
          name,
        });
      },
    });
  }

  #openPort(fd: number): TcpSource {
    const handle = new this.#kit!.handles.Tcp(LISTENER);
    // Without one it would listen somewhere, at a port that nobody knows.
    if (handle.open(fd) !== 0) {
      throw new Error("the socket that was passed cannot be listened on again");
    }
    return new TcpSource(handle, this.#kit!);
  }
}

let ofProcess = new PassedSockets();

/** The sockets that were passed to this process, once they were claimed. */
export function passedSockets(): PassedSockets {
  return ofProcess;
}

/** From now on these are the ones that were passed to this process. */
export function ownSockets(sockets: PassedSockets): void {
  ofProcess = sockets;
}
