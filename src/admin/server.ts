import type { Logger } from "@logtape/logtape";
import { type Address, formatAddress } from "../address.ts";
import { isLocal, isLoopbackIp } from "../address_relations.ts";
import { bindWith, type Bound } from "../bind.ts";
import { FatalError, UsageError } from "../errors.ts";
import type { Events } from "../events.ts";
import type { Operations } from "../operations.ts";
import { sleep } from "../timer.ts";
import { HttpError, refusal } from "./answers.ts";
import { EventStreams } from "./events.ts";
import { guard, type Guarded } from "./guard.ts";
import { LIMITS, type Limits } from "./limits.ts";
import type { Page } from "./page.ts";
import { routeOf } from "./router.ts";
import type { Desk } from "./routes.ts";
import { Snapshots } from "./snapshots.ts";
import { targetOf } from "./target.ts";

/** Who may use the socket file: the owner and the group of the process. */
const SOCKET_MODE = 0o660;

/** Options of {@linkcode serveAdmin}. */
export interface AdminOptions {
  /** Where to listen; a missing host is every interface. */
  address: Address;
  /** What clients have to show; may be left out where only this machine can reach the address. */
  token?: string | undefined;
  /** What `GET /events` tells. */
  events: Events;
  /** The dashboard; without it there is none. */
  page?: Page | undefined;
  log: Logger;
  /** Closes the server when it is aborted. */
  signal?: AbortSignal | undefined;
  /** For tests. */
  limits?: Partial<Limits> | undefined;
}

/** A running admin API. */
export interface AdminServer extends AsyncDisposable {
  /** What is really bound; several addresses are separated by a comma and a blank. */
  readonly address: string;
  /** Lets answers under way finish for a second, ends event streams, and closes. */
  close(): Promise<void>;
}

/**
 * Serves the admin API.
 *
 * @throws {UsageError} If other machines could reach the address and there is no token.
 * @throws {FatalError} If the address cannot be bound.
 */
export async function serveAdmin(
  operations: Operations,
  options: AdminOptions,
): Promise<AdminServer> {
  const { address, token, events, page, log, signal } = options;
  if (token === undefined) assertLocal(address);
  const limits = { ...LIMITS, ...options.limits };
  const snapshots = new Snapshots(operations, { age: limits.snapshotAge });
  const streams = new EventStreams({ events, status: () => snapshots.status(), log, limits });
  const desk: Desk = { operations, snapshots, streams, page, limits };
  const hostname = address.transport === "tcp" ? address.hostname : undefined;
  const guarded: Guarded = { transport: address.transport, hostname, token };
  const answers = new Set<Promise<void>>();
  const end = new AbortController();

  const handler: Deno.ServeHandler = async (request, { completed }) => {
    // A client that leaves makes this fail, which concerns nobody.
    const completion = completed.catch(() => {});
    answers.add(completion);
    completion.then(() => answers.delete(completion));
    return await serve(request, { guarded, desk, completed: completion, log });
  };
  const bound = await listen(address, { handler, end: end.signal, signal, log });

  // `shutdown` waits for clients that do not read, and cannot be followed by an abort.
  async function close(): Promise<void> {
    signal?.removeEventListener("abort", close);
    streams.close();
    const patience = new AbortController();
    const expired = sleep(limits.closePatience, { signal: patience.signal });
    await Promise.race([Promise.all(answers), expired]);
    patience.abort();
    bound.release();
    end.abort();
    await Promise.all(bound.sockets.map(({ finished }) => finished));
  }
  signal?.addEventListener("abort", close);
  if (!bound.sockets.every(({ addr }) => isBoundAsMeant(addr, { address, token }))) {
    await close();
    throw new FatalError(
      `--admin ${hostname}: this name is ${bound.address} here, which other ` +
        "machines can reach; use 127.0.0.1 instead",
    );
  }
  if (signal?.aborted) await close();
  return { address: bound.address, close, [Symbol.asyncDispose]: close };
}

function assertLocal(address: Address): void {
  if (isLocal(address)) return;
  throw new UsageError(
    `--admin ${JSON.stringify(formatAddress(address))}: can be reached from other machines; must ` +
      "be an address of loopback such as 127.0.0.1:9090, or unix:/path, unless " +
      "--admin-token-file is given",
  );
}

function listen(
  address: Address,
  options: {
    handler: Deno.ServeHandler;
    end: AbortSignal;
    signal: AbortSignal | undefined;
    log: Logger;
  },
): Promise<Bound<Deno.HttpServer>> {
  const { handler, end, signal, log } = options;
  const quiet = { signal: end, onListen() {}, onError: () => new Response(null, { status: 500 }) };
  return bindWith<Deno.HttpServer>(address, {
    tcp: (hostname, port) => Deno.serve({ ...quiet, hostname, port }, handler),
    unix: (path) => {
      const server = Deno.serve({ ...quiet, path }, handler);
      // Deno.umask wants a permission in 2.9 that 2.6 refuses to know.
      Deno.chmodSync(path, SOCKET_MODE);
      return server;
    },
    addr: (server) => server.addr,
    close: (server) => server.shutdown(),
    log,
    signal,
  });
}

/** Whether a name that should be loopback is, unless that does not matter. */
function isBoundAsMeant(
  bound: Deno.Addr,
  options: { address: Address; token: string | undefined },
): boolean {
  const { address, token } = options;
  if (token !== undefined || bound.transport !== "tcp") return true;
  return isLocal(address) && isLoopbackIp(bound.hostname);
}

async function serve(
  request: Request,
  options: { guarded: Guarded; desk: Desk; completed: Promise<void>; log: Logger },
): Promise<Response> {
  const { guarded, desk, completed, log } = options;
  try {
    const target = targetOf(request);
    await guard(request, target, guarded);
    const { route, id } = routeOf(request.method, target.path);
    return await route.handle({ request, query: target.query, id, completed }, desk);
  } catch (error) {
    if (error instanceof HttpError) return refusal(error);
    log.error("the admin API failed at {method} {url}: {error}", {
      method: request.method,
      url: request.url,
      error,
    });
    return refusal(new HttpError(500, "this failed; the log has the details"));
  }
}
