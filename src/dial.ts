import { lookup } from "node:dns/promises";
import { abortable } from "@std/async/abortable";
import ipaddr from "ipaddr.js";
import { type Address, formatHostPort, isLocalhost } from "./address.ts";
import { codeOf, messageOf } from "./errors.ts";
import { after } from "./timer.ts";

/** How long the addresses of a name are used before it is looked up again, in milliseconds. */
const NAME_LIFETIME_MS = 1000;

/** Failures of this machine's that say nothing about the destination. */
const LOCAL_CODES = ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"];

/** Thrown when a destination could not be connected at any of its addresses. */
export class DialError extends Error {
  override readonly name = "DialError";
  /**
   * Whether this machine, not the destination, is at fault: it has no free descriptors or memory.
   */
  readonly local: boolean;
  /** Whether it was connected at one address, and reset before that was noticed. */
  readonly reset: boolean;

  constructor(failures: readonly { where: string; error: unknown }[]) {
    const messages = failures.map(({ where, error }) => `${where}: ${messageOf(error)}`);
    super(messages.join("; "), { cause: failures[0]?.error });
    this.local = failures.some(({ error }) => LOCAL_CODES.includes(codeOf(error) ?? ""));
    this.reset = failures.some(({ error }) => codeOf(error) === "ECONNRESET");
  }
}

/**
 * Connects to one destination, trying all addresses of its name.
 *
 * The address that worked last goes first. `localhost` is 127.0.0.1 and ::1 without asking anybody
 * (RFC 6761, 6.3); other names are looked up by the system, at most once a second.
 */
export class Dialer {
  readonly #address: Address;
  /** Addresses to try, the one that worked last first. */
  #hostnames: string[] = [];
  #freshUntil = -Infinity;
  /** The look-up under way, shared by all who wait for it. */
  #lookup: Promise<{ address: string }[]> | undefined;

  constructor(address: Address) {
    this.#address = address;
    if (address.transport === "unix") return;
    const hostname = address.hostname ?? "localhost";
    if (isLocalhost(hostname)) this.#hostnames = ["127.0.0.1", "::1"];
    else if (ipaddr.isValid(hostname)) this.#hostnames = [hostname];
    if (this.#hostnames.length > 0) this.#freshUntil = Infinity;
  }

  /**
   * A connection.
   *
   * @param options.timeout Milliseconds that a name's addresses share, so that one that swallows
   * packets leaves time for the next; 0 = unlimited. The caller aborts the signal at its end.
   * @throws {DialError} If no address could be connected, or the name has none.
   * @throws The signal's reason, if it is aborted first.
   */
  async dial(options: { signal: AbortSignal; timeout: number }): Promise<Deno.Conn> {
    if (this.#address.transport === "unix") return await dialUnix(this.#address.path);
    const { port } = this.#address;
    const { signal, timeout } = options;
    const begun = performance.now();
    if (begun >= this.#freshUntil) await this.#resolve(signal);
    const hostnames = this.#hostnames;
    const failures: { where: string; error: unknown }[] = [];
    for (let i = 0; i < hostnames.length; i++) {
      const hostname = hostnames[i]!;
      const last = i === hostnames.length - 1;
      const target = { hostname, port, signal };
      try {
        const share = (begun + timeout - performance.now()) / (hostnames.length - i);
        const conn = timeout === 0 || last || isLoopback(hostname)
          ? await Deno.connect(target)
          : await connectWithin(Math.max(share, 1), target);
        if (i > 0) this.#prefer(hostname);
        return conn;
      } catch (error) {
        signal.throwIfAborted();
        failures.push({ where: formatHostPort(hostname, port), error });
      }
    }
    if (this.#freshUntil !== Infinity) this.#freshUntil = -Infinity;
    throw new DialError(failures);
  }

  async #resolve(signal: AbortSignal): Promise<void> {
    const { hostname } = this.#address as { hostname: string };
    this.#lookup ??= lookup(hostname, { all: true }).finally(() => this.#lookup = undefined);
    let found: { address: string }[];
    try {
      found = await abortable(this.#lookup, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw new DialError([{ where: hostname, error }]);
    }
    const [preferred] = this.#hostnames;
    this.#hostnames = found.map(({ address }) => address);
    if (preferred !== undefined && this.#hostnames.includes(preferred)) this.#prefer(preferred);
    this.#freshUntil = performance.now() + NAME_LIFETIME_MS;
  }

  #prefer(hostname: string): void {
    this.#hostnames = [hostname, ...this.#hostnames.filter((other) => other !== hostname)];
  }
}

/**
 * Connects within so many milliseconds. The signals are joined by hand: before Deno 2.9 a signal
 * that `AbortSignal.any` made could be collected, and with it the abort, while somebody waited.
 */
async function connectWithin(
  ms: number,
  target: { hostname: string; port: number; signal: AbortSignal },
): Promise<Deno.Conn> {
  const { signal } = target;
  const limit = new AbortController();
  const onAbort = () => limit.abort(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  const timer = after(ms, () => limit.abort(new Error("no answer in its share of time")));
  try {
    return await Deno.connect({ ...target, signal: limit.signal });
  } finally {
    timer.stop();
    signal.removeEventListener("abort", onAbort);
  }
}

async function dialUnix(path: string): Promise<Deno.Conn> {
  try {
    return await Deno.connect({ transport: "unix", path });
  } catch (error) {
    throw new DialError([{ where: `unix:${path}`, error }]);
  }
}

function isLoopback(hostname: string): boolean {
  return hostname === "::1" || hostname.startsWith("127.");
}
