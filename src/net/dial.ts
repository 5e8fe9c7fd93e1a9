import { abortable } from "@std/async/abortable";
import ipaddr from "ipaddr.js";
import { type Address, formatHostPort, isLocalhost, type SocketAddress } from "./address.ts";
import { connect } from "./connect.ts";
import { within } from "../async/within.ts";
import { messageOf } from "../base/errors.ts";
import { type Failure, type Fault, faultOf } from "./connect_faults.ts";
import { isHere } from "./loop_rules.ts";
import { type NameLookups, systemNames } from "./names.ts";
import type { Stream } from "./stream.ts";
import { attach, type Ends, type Step, type Trail, type Trails } from "./trails.ts";

/** How long it takes until a name is looked up again after that has failed, in milliseconds. */
const AGAIN_MS = 1000;

/** Which of its listeners and destinations a connect is made for, where ways are noted. */
export interface Way {
  readonly trails: Trails;
  /** The listener's number, and the destination's there. */
  readonly step: Step;
}

/** Thrown when a connect would bring a session back to a listener that it has passed. */
export class LoopError extends Error {
  override readonly name = "LoopError";
}

/** Thrown when a destination could not be connected at any of its addresses. */
export class DialError extends Error {
  override readonly name = "DialError";
  /** Who is at fault. */
  readonly fault: Fault;

  constructor(failures: readonly Failure[]) {
    const messages = failures.map(({ where, error }) => `${where}: ${messageOf(error)}`);
    super(messages.join("; "), { cause: failures[0]?.error });
    this.fault = faultOf(failures);
  }
}

/** An address of TCP. */
export type TcpAddress = Extract<Address, { transport: "tcp" }>;

/** What a {@linkcode Dialer} connects to. */
type Place = Pick<TcpAddress, "hostname" | "port">;

/** Options of {@linkcode Dialer}. */
export interface DialerOptions {
  /** Looks names up; the system's unless given. */
  names?: NameLookups | undefined;
  /** Notes the ways of connections to listeners of this process. */
  way?: Way | undefined;
  /**
   * Told of every look-up that failed, and whether addresses from before stay in use. `tell` says
   * whether it is time for a line in the log.
   */
  onLookupFailure?(failure: LookupFailure): void;
  /** Called when the addresses of the name are known for the first time. */
  onLocated?(): void;
  /** Opens what is to be instead of a connection of TCP. */
  open?(target: { hostname: string; port: number }, options: DialOptions): Stream;
}

/** Who is going to use a connection, for what is said at its beginning. */
export interface Caller {
  /** What the session is called that it is for. */
  readonly title?: string;
  /** The client that it is for; absent if it is for none. */
  readonly clientAddress?: SocketAddress;
  /** The address to which that client has connected. */
  readonly listenerAddress?: SocketAddress;
  /** Whether there are bytes that are written as soon as it is connected. */
  readonly hasBytes: boolean;
}

/** Options of one connect. */
export interface DialOptions {
  /** Gives the connect up; the caller aborts it when the time is over. */
  signal: AbortSignal;
  /** Milliseconds that there are for it; 0 = as long as it takes. */
  timeout: number;
  /** The way of the session that it is for; absent if it is for none. */
  trail?: Trail;
  /** Who it is for; absent if that is nobody, who has nothing to say. */
  caller?: Caller | undefined;
}

/** A look-up that failed. */
export interface LookupFailure {
  readonly hostname: string;
  readonly error: unknown;
  /** Whether there are addresses from before, which stay in use. */
  readonly known: boolean;
  /** Whether nobody has told the log about this name for a minute. */
  readonly tell: boolean;
}

/**
 * Connects to one TCP address, trying all addresses of its name.
 *
 * The address that worked last goes first. `localhost` is 127.0.0.1 and ::1 without asking anybody
 * (RFC 6761, 6.3); other names are looked up, at most once a second. Only the first look-up is waited
 * for: later ones go on beside the connects, and whatever fails about them, the
 * addresses stay in use until an answer replaces them.
 */
export class Dialer {
  /** Where it connects to. */
  readonly #address: Place;
  /** Looks its name up. */
  readonly #names: NameLookups;
  /** Notes the ways of its connections. */
  readonly #way: Way | undefined;
  /** Told of every look-up that failed. */
  readonly #onLookupFailure: DialerOptions["onLookupFailure"];
  /** Told when the name has addresses for the first time. */
  readonly #onLocated: DialerOptions["onLocated"];
  /** Opens something else than connections, if it does. */
  readonly #open: DialerOptions["open"];
  /** Addresses to try, the one that worked last first. */
  #hostnames: readonly string[] = [];
  /** When the name is to be looked up again. */
  #freshUntil = -Infinity;
  /** When the latest look-up that has ended began. */
  #askedAt = -Infinity;
  /** The look-up under way, shared by all who wait for it. */
  #lookup: Promise<void> | undefined;

  constructor(address: Place, options: DialerOptions = {}) {
    this.#address = address;
    this.#names = options.names ?? systemNames;
    this.#way = options.way;
    this.#onLookupFailure = options.onLookupFailure;
    this.#onLocated = options.onLocated;
    this.#open = options.open;
    const hostname = address.hostname ?? "localhost";
    if (isLocalhost(hostname)) this.#hostnames = ["127.0.0.1", "::1"];
    else if (ipaddr.isValid(hostname)) this.#hostnames = [hostname];
    if (this.#hostnames.length > 0) this.#freshUntil = Infinity;
  }

  /** Whether there are addresses to try: a name has none before its first look-up has succeeded. */
  get isLocated(): boolean {
    return this.#hostnames.length > 0;
  }

  /**
   * A connection.
   *
   * @param options.timeout Milliseconds that a name's addresses share, so that one that swallows
   * packets leaves time for the next; 0 = unlimited. The caller aborts the signal at its end.
   * @param options.trail The way of the session that it is for; absent if it is for none.
   * @throws {DialError} If no address could be connected, or the name has none.
   * @throws The signal's reason, if it is aborted first.
   */
  async dial(options: DialOptions): Promise<Stream> {
    const { port } = this.#address;
    const { signal, timeout } = options;
    const begun = performance.now();
    if (this.#isStale(begun)) {
      const lookup = this.#refresh();
      if (this.#hostnames.length === 0) await abortable(lookup, signal);
    }
    const hostnames = this.#hostnames;
    const failures: Failure[] = [];
    for (let i = 0; i < hostnames.length; i++) {
      const hostname = hostnames[i]!;
      const last = i === hostnames.length - 1;
      try {
        const share = (begun + timeout - performance.now()) / (hostnames.length - i);
        const stream = timeout === 0 || last || isLoopback(hostname)
          ? await this.#connect({ hostname, port }, options)
          : await within({ ms: Math.max(share, 1), signal, late }, (signal) => {
            return this.#connect({ hostname, port }, { ...options, signal });
          });
        if (i > 0) this.#prefer(hostname);
        return stream;
      } catch (error) {
        signal.throwIfAborted();
        failures.push({ where: formatHostPort(hostname, port), error });
      }
    }
    // It may be somewhere else now.
    if (this.#freshUntil !== Infinity) this.#refresh();
    throw new DialError(failures);
  }

  #connect(target: { hostname: string; port: number }, options: DialOptions): Promise<Stream> {
    // Not as an async function: that is a promise more for each connection.
    if (this.#open) return this.#opened(target, options);
    const { trails, step } = this.#way ?? {};
    if (!trails?.listens(target.port)) return connect(target, options);
    return connectNoting(target, { ...options, trails, step: step! });
  }

  async #opened(
    ...of: Parameters<NonNullable<DialerOptions["open"]>>
  ): Promise<Stream> {
    return await this.#open!(...of);
  }

  /** Whether its name is to be looked up, for its addresses or because others are asked by now. */
  #isStale(now: number): boolean {
    if (this.#freshUntil === Infinity) return false;
    return now >= this.#freshUntil || this.#askedAt < this.#names.changedAt;
  }

  /** Looks the name up, unless that is under way; fails only if there are no addresses from before. */
  #refresh(): Promise<void> {
    if (!this.#lookup) {
      this.#lookup = this.#resolve().finally(() => this.#lookup = undefined);
      this.#lookup.catch(() => {});
    }
    return this.#lookup;
  }

  async #resolve(): Promise<void> {
    const { hostname } = this.#address as { hostname: string };
    const begun = performance.now();
    let lifetime = AGAIN_MS;
    try {
      const found = await this.#names.lookUp(hostname);
      ({ lifetime } = found);
      const [preferred] = this.#hostnames;
      this.#hostnames = found.addresses;
      if (preferred === undefined) this.#onLocated?.();
      else if (found.addresses.includes(preferred)) this.#prefer(preferred);
    } catch (error) {
      const known = this.#hostnames.length > 0;
      const tell = this.#names.tells(hostname);
      this.#onLookupFailure?.({ hostname, error, known, tell });
      if (!known) throw new DialError([{ where: hostname, error }]);
    }
    this.#askedAt = begun;
    this.#freshUntil = performance.now() + lifetime;
  }

  #prefer(hostname: string): void {
    this.#hostnames = [hostname, ...this.#hostnames.filter((other) => other !== hostname)];
  }
}

/** Connects to a port of this process, and notes the way if it is this machine's. */
async function connectNoting(
  target: { hostname: string; port: number },
  options: DialOptions & Way,
): Promise<Stream> {
  const { trails, step, trail = [] } = options;
  trails.beginConnect(target.port);
  try {
    const stream = await connect(target, options);
    const ends = { client: stream.localAddress, server: stream.remoteAddress } as Ends;
    if (isHere(ends)) attach(stream, trails.note(ends, [...trail, step]));
    return stream;
  } finally {
    trails.endConnect(target.port);
  }
}

function late(): Error {
  return new Error("no answer in its share of time");
}

function isLoopback(hostname: string): boolean {
  return hostname === "::1" || hostname.startsWith("127.");
}
