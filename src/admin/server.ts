import type { Logger } from "@logtape/logtape";
import {
  type Address,
  formatAddress,
  formatSocketAddress,
  type SocketAddress,
} from "../net/address.ts";
import { isLocal, isLoopbackIp } from "../net/address_relations.ts";
import { bindShared } from "../net/bind_alone.ts";
import type { Sharing } from "../net/sharing.ts";
import type { DescriptorBudget } from "../net/descriptor_budget.ts";
import { FatalError, UsageError } from "../base/errors.ts";
import type { RecentEvents } from "../logging/recent_events.ts";
import type { HttpRequest } from "../net/http/connection.ts";
import { HttpServer, type HttpServerLimits } from "../net/http/server.ts";
import type { Operations } from "../operations/operations.ts";
import { Pace } from "../async/pace.ts";
import { type Caller, type Tokens, wantsToken } from "./caller.ts";
import { HttpError, refusal } from "./responses.ts";
import { ByteStreams } from "./byte_streams.ts";
import { EventStreams } from "./event_streams.ts";
import { guard, type Guarded } from "./request_guard.ts";
import { LIMITS, type Limits } from "./limits.ts";
import type { Page } from "./dashboard/bundle.ts";
import { RefusalLog } from "./refusal_log.ts";
import { routeOf } from "./router.ts";
import type { HandlerContext, Route } from "./routes.ts";
import { Sheets } from "./sheets.ts";
import { StatusCache } from "./status_cache.ts";
import { targetOf } from "./request_target.ts";

/** Who may use the socket file: the owner and the group of the process. */
const SOCKET_MODE = 0o660;

/** Clients that the kernel keeps waiting: a flood of connections must not push the operator out. */
const BACKLOG = 1024;

/** Options of {@linkcode serveAdmin}. */
export interface AdminOptions {
  /** Where to listen; a missing host is every interface. */
  address: Address;
  /** What clients have to show; may be left out where only this machine can reach the address. */
  token?: string | undefined;
  /** What those can show who may only look; without `token` nobody may more. */
  readerToken?: string | undefined;
  /** What `GET /events` tells. */
  events: RecentEvents;
  /** The dashboard; without it there is none. */
  page?: Page | undefined;
  log: Logger;
  /** Closes the server when it is aborted. */
  signal?: AbortSignal | undefined;
  /** Aborted when the program begins to drain, which `/healthz` tells at once. */
  draining?: AbortSignal | undefined;
  /** What its connections get descriptors from; all that there are, if absent. */
  descriptors?: DescriptorBudget | undefined;
  /** How the address is shared with another process; not at all if absent. */
  sharing?: Sharing | undefined;
  /** For tests. */
  limits?: Partial<Limits> | undefined;
  http?: Partial<HttpServerLimits> | undefined;
}

/** A running admin API. */
export interface AdminServer extends AsyncDisposable {
  /** What is really bound; several addresses are separated by a comma and a blank. */
  readonly address: string;
  /**
   * Accepts nobody any more, whom another process accepts there, and ends event streams. Whoever is
   * connected gets one more answer, however late it is asked for.
   */
  retire(): Promise<void>;
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
  const { address, token, readerToken, events, page, log, signal, descriptors, sharing } = options;
  const tokens: Tokens = { operator: token, reader: readerToken };
  const hasToken = wantsToken(tokens);
  if (!hasToken) assertLocal(address);
  const limits = { ...LIMITS, ...options.limits };
  const snapshots = new StatusCache(operations, { age: limits.snapshotAge });
  options.draining?.addEventListener("abort", () => snapshots.forget());
  const pace = new Pace();
  const sheets = new Sheets(pace);
  const status = () => snapshots.status();
  const streams = new EventStreams({
    events,
    history: operations,
    status,
    sheets,
    pace,
    log,
    limits,
  });
  const byteStreams = new ByteStreams(log);
  const refusals = new RefusalLog(log);
  const desk: HandlerContext = {
    operations,
    snapshots,
    sheets,
    streams,
    byteStreams,
    page,
    limits,
  };
  const hostname = address.transport === "tcp" ? address.hostname : undefined;
  const transport = address.transport === "unix" ? "unix" : "tcp";
  const guarded: Guarded = { transport, hostname, tokens };
  const bound = await bindShared(address, {
    tcpBacklog: BACKLOG,
    mode: SOCKET_MODE,
    sharing,
    log,
    signal,
  });
  if (!bound.sockets.every(({ address: bound }) => isBoundAsMeant(bound, { address, hasToken }))) {
    bound.release();
    for (const socket of bound.sockets) socket.close();
    throw new FatalError(
      `--admin ${formatAddress(address)}: this is ${bound.address} here, which other ` +
        "machines can reach; use 127.0.0.1 instead",
    );
  }
  const allowance = descriptors?.reserveForAdmin();
  const server = new HttpServer({
    bound,
    handler: (request, { completed, peer }) => {
      // A client that leaves makes this fail, which concerns nobody.
      const completion = completed.catch(() => {});
      // Whoever connects to a socket file has no address.
      const from = transport === "unix" ? bound.address : formatSocketAddress(peer);
      return serve(request, { guarded, desk, completed: completion, from, log, refusals });
    },
    limits: options.http ?? {},
    pace,
    what: "accepting at the admin API",
    claim: descriptors && (() => descriptors.claim(descriptors.admin)),
    onShortage: () => descriptors?.noteShortage(),
    log,
  });

  async function retire(): Promise<void> {
    streams.close();
    byteStreams.close();
    await server.retire();
  }

  async function close(): Promise<void> {
    signal?.removeEventListener("abort", close);
    streams.close();
    byteStreams.close();
    await server.close({ patience: limits.closePatience });
    pace.close();
    allowance?.();
  }
  signal?.addEventListener("abort", close);
  if (signal?.aborted) await close();
  return { address: bound.address, retire, close, [Symbol.asyncDispose]: close };
}

function assertLocal(address: Address): void {
  if (isLocal(address)) return;
  throw new UsageError(
    `--admin ${JSON.stringify(formatAddress(address))}: can be reached from other machines; must ` +
      "be an address of loopback such as 127.0.0.1:9090, or unix:/path, unless " +
      "--admin-token-file or --admin-read-token-file is given",
  );
}

/**
 * Whether a socket is what was asked for, and no other machine can reach it if there is no token:
 * a name that should be loopback may be anything where somebody has said so.
 */
export function isBoundAsMeant(
  bound: SocketAddress,
  { address, hasToken }: { address: Address; hasToken: boolean },
): boolean {
  if (bound.transport !== address.transport) return false;
  if (bound.transport !== "tcp" || address.transport !== "tcp") return true;
  const { hostname, port } = bound;
  if (address.port !== 0 && address.port !== port) return false;
  return hasToken || (isLocal(address) && isLoopbackIp(hostname));
}

/** @throws {HttpError} If somebody may only look, and this is more. */
function assertMay({ may }: Caller, { method, needs }: Route): void {
  const needed = needs ?? (method === "GET" ? "read" : "everything");
  if (may === "everything" || needed === "read") return;
  throw new HttpError(
    403,
    "this token may only look: it changes nothing and sees no bytes of sessions; that of " +
      "--admin-token-file may",
  );
}

async function serve(
  request: HttpRequest,
  options: {
    guarded: Guarded;
    desk: HandlerContext;
    completed: Promise<void>;
    from: string;
    log: Logger;
    refusals: RefusalLog;
  },
): Promise<Response> {
  const { guarded, desk, completed, from, log, refusals } = options;
  let caller: Caller | undefined;
  try {
    const target = targetOf(request);
    caller = await guard(request, target, { guarded, from });
    const { route, id } = routeOf(request.method, target.path);
    assertMay(caller, route);
    return await route.handle({ request, query: target.query, id, caller, completed }, desk);
  } catch (error) {
    if (error instanceof HttpError) {
      refusals.note(request, error, caller?.by ?? from);
      return refusal(error);
    }
    log.error("the admin API failed at {method} {url}: {error}", {
      method: request.method,
      url: request.url,
      error,
    });
    return refusal(new HttpError(500, "this failed; the log has the details"));
  }
}
