import { quote } from "../base/text.ts";
import { isLoopbackIp } from "../net/address_relations.ts";
import { HttpError } from "./responses.ts";
import { ownerOf } from "./authorization.ts";
import { type Caller, type Tokens, wantsToken, type Whoami } from "./caller.ts";
import type { Target } from "./request_target.ts";
import type { HttpRequest } from "../net/http/connection.ts";

/** What the guard has to know of the server. */
export interface Guarded {
  /** The host it is bound to, as configured; absent for a Unix-domain socket. */
  hostname: string | undefined;
  transport: "tcp" | "unix";
  tokens: Tokens;
}

/** Paths that everyone may see, since they tell nothing worth hiding. */
const OPEN_PATHS: readonly string[] = ["/", "/healthz"];

/**
 * Lets a request pass and says who has sent it, or says why not.
 *
 * A browser on this machine can reach loopback, so pages of any site could use it on behalf of the
 * operator. `Host` stops those that let a name of theirs resolve to loopback (DNS rebinding),
 * `Origin` and `Sec-Fetch-Site` all others.
 *
 * @param options.from Where the connection is from, as the log tells it.
 * @throws {HttpError} If it may not pass.
 */
export async function guard(
  request: Pick<HttpRequest, "headers">,
  target: Target,
  options: { guarded: Guarded; from: string },
): Promise<Caller> {
  const { guarded, from } = options;
  const host = request.headers.get("host") ?? target.authority;
  if (guarded.transport === "tcp") checkHost(host, target, guarded);
  checkOrigin(request, target, host);
  const known = await whoamiOf(request, target, guarded);
  return { ...known, by: `${known.name} (${from})` };
}

async function whoamiOf(
  request: Pick<HttpRequest, "headers">,
  target: Target,
  { tokens, transport }: Guarded,
): Promise<Whoami> {
  if (!wantsToken(tokens)) {
    const name = transport === "unix" ? "socket file" : "loopback";
    return { name, may: "everything", token: false };
  }
  if (OPEN_PATHS.includes(target.path)) return { name: "anyone", may: "read", token: false };
  const name = await ownerOf(request.headers.get("authorization"), tokens);
  if (name) return { name, may: name === "operator" ? "everything" : "read", token: true };
  throw new HttpError(401, 'the token is missing or wrong; send "authorization: Bearer TOKEN"', {
    headers: { "www-authenticate": 'Bearer realm="iawlb"' },
  });
}

/**
 * `localhost`, an address of loopback, or what is bound, each with any port, as the port may be a
 * forwarded one. With a token any host: a page that has rebound its name lacks the token.
 */
function checkHost(host: string, target: Target, { hostname, tokens }: Guarded): void {
  const name = hostnameOf(host);
  if (name === undefined || target.authority.toLowerCase() !== host.toLowerCase()) {
    throw new HttpError(400, "the request must have exactly one Host header that names a host");
  }
  const isOwn = name === "localhost" || name === hostname || isLoopbackIp(name);
  if (wantsToken(tokens) || isOwn) return;
  throw new HttpError(
    403,
    `Host ${quote(host)} is not allowed; use localhost or the address of loopback`,
  );
}

/** The host of a `Host` header in lower case, an IPv6 address without its brackets. */
function hostnameOf(host: string): string | undefined {
  const [, ipv6, name] = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::\d{1,5})?$/i.exec(host) ?? [];
  return (ipv6 ?? name)?.toLowerCase();
}

function checkOrigin(request: Pick<HttpRequest, "headers">, target: Target, host: string): void {
  const origin = request.headers.get("origin");
  if (origin !== null && !isSameHost(origin, host)) {
    throw new HttpError(403, `Origin ${quote(origin)} is not allowed; must be this host`);
  }
  // What has no Origin is a link, an image or the like. Only a link to the page makes sense.
  const site = request.headers.get("sec-fetch-site");
  const own = site === null || site === "same-origin" || site === "none";
  if (!own && target.path !== "/") {
    throw new HttpError(403, "requests of pages of other sites are not allowed");
  }
}

function isSameHost(origin: string, host: string): boolean {
  const scheme = /^https?:\/\//i.exec(origin)?.[0];
  if (scheme === undefined || !URL.canParse(origin) || !URL.canParse(scheme + host)) return false;
  return new URL(origin).host === new URL(scheme + host).host;
}
