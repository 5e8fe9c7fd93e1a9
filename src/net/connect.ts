import { adopt } from "./socket.ts";
import type { Stream } from "./stream.ts";
import { trustNobodyElse } from "./tls/roots.ts";

/** Where to connect. */
export type Target =
  | { readonly hostname: string; readonly port: number }
  | { readonly path: string };

/**
 * What the runtime gets instead of a caller's signal, by that signal: attempts are used again and
 * again, and making this costs more than finding it.
 */
const CANCELLATIONS = new WeakMap<AbortSignal, AbortSignal>();

/** What looks like a certificate and is none. */
const NO_CERTIFICATE = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----";

/**
 * Connects; nothing else in the program calls `Deno.connect`.
 *
 * A connection that is given up is closed, also if the signal is aborted in the very turn in which
 * the connect succeeded. Once this has returned, the connection is the caller's, who looks at the
 * signal again before relying on it. A TCP connect that met itself counts as refused.
 *
 * @param options.signal Gives the connect up, and frees its descriptor at once.
 * @throws {Deno.errors.ConnectionRefused} Where nobody listens; other errors have the operating
 * system's name as their `code`, see `connect_faults.ts`.
 * @throws The signal's reason, if it is aborted first.
 */
export async function connect(
  target: Target,
  options: { signal?: AbortSignal } = {},
): Promise<Stream> {
  const { signal } = options;
  signal?.throwIfAborted();
  let conn: Deno.Conn;
  try {
    conn = await begin(target, signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
  if (signal?.aborted) {
    conn.close();
    throw signal.reason;
  }
  if (isOwnPeer(conn)) {
    await reset(conn as Deno.TcpConn);
    signal?.throwIfAborted();
    throw refusal();
  }
  return adopt(conn);
}

function begin(target: Target, signal: AbortSignal | undefined): Promise<Deno.Conn> {
  // Of a path it is known at once whether it can be connected: there is nothing to cancel.
  if ("path" in target) return Deno.connect({ transport: "unix", path: target.path });
  const { hostname, port } = target;
  if (!signal) return Deno.connect({ hostname, port });
  return Deno.connect({ hostname, port, signal: cancellationOf(signal) });
}

/**
 * A signal that is aborted with another one but throws nothing.
 *
 * At the end of a connect the runtime asks the signal to throw, and a connection that was finished
 * by then is lost, open: Deno 2.7.11 to 2.9.6, `connect` in ext/net/01_net.js. One whose
 * `throwIfAborted` does nothing still cancels, and what was finished is returned. This can go when
 * the runtime closes what it does not return.
 */
function cancellationOf(signal: AbortSignal): AbortSignal {
  const known = CANCELLATIONS.get(signal);
  if (known) return known;
  const controller = new AbortController();
  Object.defineProperty(controller.signal, "throwIfAborted", { value() {} });
  signal.addEventListener("abort", () => controller.abort(), { once: true });
  CANCELLATIONS.set(signal, controller.signal);
  return controller.signal;
}

/**
 * Whether both ends of a connection are the same socket. Where nobody listens at a port that the
 * kernel may give to a client, a connect can be given that very port, and TCP lets the two halves of
 * one socket meet (simultaneous open, RFC 9293, 3.5).
 */
function isOwnPeer({ localAddr, remoteAddr }: Deno.Conn): boolean {
  const [local, remote] = [localAddr as Deno.NetAddr, remoteAddr as Deno.NetAddr];
  return remote.port !== undefined && local.port === remote.port &&
    local.hostname === remote.hostname;
}

/**
 * Closes a connection that is its own peer and leaves no trace of it. After an ordinary close its port
 * would be in TIME_WAIT, and the server that it belongs to could not start for a minute.
 *
 * The kernel resets what is closed with bytes unread, unless it was told of the end before, as the
 * runtime does when it closes. A `startTls` that cannot begin lets the socket go without (Deno 2.7.11
 * to 2.9.6, `op_tls_start` in ext/net/ops_tls.rs); where it does not, there is TIME_WAIT.
 */
async function reset(conn: Deno.TcpConn): Promise<void> {
  try {
    await conn.write(new Uint8Array(1));
    trustNobodyElse();
    (await Deno.startTls(conn, { hostname: "localhost", caCerts: [NO_CERTIFICATE] })).close();
  } catch {
    // It is gone already, or it is closed here.
  }
  try {
    conn.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

function refusal(): Error {
  const message = "Connection refused (nobody listens, the connect met itself)";
  return Object.assign(new Deno.errors.ConnectionRefused(message), { code: "ECONNREFUSED" });
}
