import type { Place } from "../config/service_address.ts";
import { type Address, formatAddress } from "../net/address.ts";
import { connect } from "../net/connect.ts";
import {
  Dialer,
  DialError,
  type DialOptions,
  type LookupFailure,
  LoopError,
  type TcpAddress,
  type Way,
} from "../net/dial.ts";
import type { NameLookups } from "../net/names.ts";
import { openUpstream } from "../net/udp/upstream.ts";
import type { UdpTerms } from "../net/udp/listener.ts";
import type { ChildStatus } from "../operations/child_status.ts";
import { endsOfPorts, returns } from "../net/loop_rules.ts";
import type { Stream } from "../net/stream.ts";
import { attach } from "../net/trails.ts";
import { ExecConnector } from "./exec_connector.ts";
import { ServiceConnector, type ServiceConnectorOptions } from "./service_connector.ts";

/** How a destination is connected, whatever it is. */
export interface Connector {
  /** Where it leads, for messages. */
  readonly description: string;
  /**
   * Whether a connect does no more to the server than to find it there. Only then is a destination
   * connected once when it is new; otherwise it is `up` from the beginning.
   */
  readonly isTried: boolean;
  /** Whether it is known where it leads: of a name it is not until its first look-up succeeded. */
  readonly isLocated: boolean;
  /**
   * One connection, which is the caller's.
   *
   * @throws {LoopError} If it is certain beforehand that this session would come back.
   * @throws {DialError} If it could not be connected; `fault` says who is at fault.
   * @throws The signal's reason, if it is aborted first.
   */
  connect(options: DialOptions): Promise<Stream>;
  /**
   * Finds out whether it can be connected, without doing so; absent where a connect is the only way.
   *
   * @throws {DialError} If it cannot.
   */
  probe?(): Promise<void>;
  /**
   * All sessions are cut: what is left of closed connections is not waited for if it cannot be ended,
   * and ends at once where that is wanted.
   */
  cut?(how: { atOnce: boolean }): void;
  /**
   * Whether what is connected is to come to an end: absent where only the server and the client can see
   * to that.
   */
  finish?(finishing: boolean): void;
  /** Nobody connects any more, and no session is left: what was kept for others ends. */
  close?(): void;
  /** Whether it takes datagrams and never answers one; absent where nobody knows. */
  readonly isSilent?: boolean;
  /** What each of the processes that serve its sessions has done; absent if there are none. */
  readonly children?: readonly ChildStatus[];
}

/** What connectors get to know besides their address. */
export interface ConnectorOptions {
  /** Notes the ways of connections to listeners of this process. */
  way?: Way | undefined;
  /** Told of every look-up of a name that failed. */
  onLookupFailure?(failure: LookupFailure): void;
  /** Called when `isLocated` has become true. */
  onLocated?(): void;
  /** Looks names up; the system's unless given. */
  names?: NameLookups | undefined;
  /** What services of this program, and programs, get to know. */
  service?: ServiceConnectorOptions;
  /** What its listener's UDP sockets share; needed for a port of UDP. */
  udp?: Pick<UdpTerms, "settings" | "counts"> | undefined;
}

/** The connector for a place: the only place where its kind decides how it is connected. */
export function connectorTo(address: Place, options: ConnectorOptions = {}): Connector {
  switch (address.transport) {
    case "tcp":
      return new TcpConnector(address, options);
    case "udp":
      return new UdpConnector(address, options);
    case "unix":
      return new UnixConnector(address, options);
    case "service":
      return new ServiceConnector(address, options.service!);
    case "exec":
      return new ExecConnector(address, options.service!);
  }
}

class TcpConnector implements Connector {
  readonly description: string;
  readonly isTried = true;
  readonly #dialer: Dialer;

  constructor(address: TcpAddress, options: ConnectorOptions) {
    this.description = formatAddress(address);
    this.#dialer = new Dialer(address, options);
  }

  get isLocated(): boolean {
    return this.#dialer.isLocated;
  }

  connect(options: DialOptions): Promise<Stream> {
    return this.#dialer.dial(options);
  }
}

/** A socket for each session: there is nothing to connect, and nobody who could refuse. */
class UdpConnector implements Connector {
  readonly description: string;
  readonly isTried = false;
  readonly #dialer: Dialer;

  constructor(address: Extract<Address, { transport: "udp" }>, options: ConnectorOptions) {
    const { udp, way } = options;
    if (!udp) throw new TypeError("datagrams need to know what their sockets share");
    this.description = formatAddress(address);
    this.#dialer = new Dialer(address, {
      ...options,
      open(target, { trail = [] }) {
        const { settings: { udpReplyPort: replyPort }, counts } = udp;
        const stream = openUpstream(target, { replyPort, counts });
        if (way?.trails.datagrams.listens(target.port)) {
          const ends = endsOfPorts(stream.localAddress.port, target.port);
          attach(stream, way.trails.datagrams.note(ends, [...trail, way.step]));
        }
        return stream;
      },
    });
  }

  get isLocated(): boolean {
    return this.#dialer.isLocated;
  }

  connect(options: DialOptions): Promise<Stream> {
    return this.#dialer.dial(options);
  }
}

class UnixConnector implements Connector {
  readonly description: string;
  readonly isTried = true;
  readonly isLocated = true;
  readonly #path: string;
  readonly #way: Way | undefined;

  constructor(address: Extract<Address, { transport: "unix" }>, options: ConnectorOptions) {
    this.description = formatAddress(address);
    this.#path = address.path;
    this.#way = options.way;
  }

  async connect(options: DialOptions): Promise<Stream> {
    const { trails, step } = this.#way ?? {};
    const to = trails?.listenerAt(this.#path);
    if (to === undefined) return await this.#connect(options);
    const { trail } = options;
    if (trail && returns(trails!, { trail, from: step!.listener, to })) {
      throw new LoopError(
        `${this.description} leads back to a listener that the session has passed`,
      );
    }
    const note = trails!.noteWay(step!.listener, to);
    try {
      const stream = await this.#connect(options);
      attach(stream, note);
      return stream;
    } catch (error) {
      note.forget();
      throw error;
    }
  }

  async #connect({ signal }: DialOptions): Promise<Stream> {
    try {
      return await connect({ path: this.#path }, { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw new DialError([{ where: this.description, error }]);
    }
  }
}
