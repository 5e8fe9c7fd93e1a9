/** Largest head of a request in bytes, its empty line included. */
export const MAX_HEAD = 16 * 1024;

/** Most fields in a head. */
const MAX_FIELDS = 100;

/** Why a request is not understood; `status` is what it is answered with. */
export class BadRequest extends Error {
  override readonly name = "BadRequest";
  readonly status: number;

  constructor(message: string, status = 400) {
    super(message);
    this.status = status;
  }
}

/** How the body of a request is sent; a length of 0 is none. */
export type Framing = { readonly kind: "length"; length: number } | { readonly kind: "chunked" };

/** The head of a request, understood in one way only, or refused. */
export interface RequestHead {
  readonly method: string;
  /** What is asked for as it was sent, with `http://` and the host before it: nothing is resolved. */
  readonly url: string;
  /** Whether the client speaks HTTP/1.0: it does not know chunks, nor `100 Continue`. */
  readonly old: boolean;
  readonly headers: Headers;
  readonly framing: Framing;
  /** Whether the client wants to keep the connection. */
  readonly keepAlive: boolean;
  /** Whether the client waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean;
}

const REQUEST_LINE = /^([!#$%&'*+.^_`|~\dA-Za-z-]{1,32}) ([\x21-\x7e]+) HTTP\/(\d)\.(\d)$/;
const FIELD_NAME = /^[!#$%&'*+.^_`|~\dA-Za-z-]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const AUTHORITY = /^[\w.~%!$&'()*+,;=:[\]-]*$/;
const ABSOLUTE_FORM = /^(https?):\/\/([^/?#]*)([/?].*)?$/i;

/** Fields of which a second one could mean something else to somebody in between. */
const SINGLE = ["host", "content-length", "transfer-encoding", "authorization", "origin"];

/**
 * Reads the head of an HTTP/1 request (RFC 9112), with its empty line at the end.
 *
 * Strict: what could be read in two ways is refused, such as folded lines, space before a colon,
 * lines without CR, and bodies with two lengths.
 *
 * @param options.host The host that a request of HTTP/1.0 without one is for.
 * @throws {BadRequest}
 */
export function parseHead(bytes: Uint8Array, options: { host: string }): RequestHead {
  const [first, ...lines] = textOf(bytes.subarray(0, -4)).split("\r\n");
  const [, method, target, major, minor] = REQUEST_LINE.exec(first!) ?? [];
  if (method === undefined) throw new BadRequest("the request line is malformed");
  if (major !== "1") throw new BadRequest("only HTTP/1.1 and HTTP/1.0 are spoken here", 505);
  const old = minor === "0";
  const headers = parseFields(lines);
  const connection = (headers.get("connection") ?? "").toLowerCase().split(",");
  const asksFor = (what: string) => connection.some((option) => option.trim() === what);
  const expect = headers.get("expect")?.toLowerCase();
  if (expect !== undefined && expect !== "100-continue") {
    throw new BadRequest("this expectation cannot be met", 417);
  }
  return {
    method,
    url: urlOf(target!, hostOf(headers, { old, fallback: options.host })),
    old,
    headers,
    framing: framingOf(headers, old),
    keepAlive: !asksFor("close") && (!old || asksFor("keep-alive")),
    expectsContinue: expect !== undefined && !old,
  };
}

/** One letter for each byte. */
function textOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function parseFields(lines: readonly string[]): Headers {
  if (lines.length > MAX_FIELDS) throw new BadRequest("the head has too many fields", 431);
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const [name, value] = [line.slice(0, colon), line.slice(colon + 1)];
    if (colon < 1 || !FIELD_NAME.test(name) || !FIELD_VALUE.test(value)) {
      throw new BadRequest("a field of the head is malformed");
    }
    if (SINGLE.includes(name.toLowerCase()) && headers.has(name)) {
      throw new BadRequest(`the head has more than one ${name}`);
    }
    // White space around the value is taken away here.
    headers.append(name, value);
  }
  return headers;
}

function hostOf(headers: Headers, { old, fallback }: { old: boolean; fallback: string }): string {
  const host = headers.get("host");
  if (host === null && !old) throw new BadRequest("the request has no Host");
  if (host !== null && !AUTHORITY.test(host)) throw new BadRequest("Host is malformed");
  return host ?? fallback;
}

function urlOf(target: string, host: string): string {
  if (target.startsWith("/")) return `http://${host}${target}`;
  const [, scheme, authority, rest = "/"] = ABSOLUTE_FORM.exec(target) ?? [];
  if (scheme === undefined || !AUTHORITY.test(authority!)) {
    throw new BadRequest("the target of the request is malformed");
  }
  return `${scheme.toLowerCase()}://${authority}${rest.startsWith("?") ? "/" : ""}${rest}`;
}

function framingOf(headers: Headers, old: boolean): Framing {
  const encoding = headers.get("transfer-encoding");
  const length = headers.get("content-length");
  if (encoding !== null) {
    if (length !== null) throw new BadRequest("the body has two lengths");
    if (old) throw new BadRequest("HTTP/1.0 has no Transfer-Encoding");
    if (encoding.toLowerCase() === "chunked") return { kind: "chunked" };
    throw new BadRequest("the only Transfer-Encoding is chunked", 501);
  }
  if (length === null) return { kind: "length", length: 0 };
  if (!/^\d{1,15}$/.test(length)) throw new BadRequest("Content-Length is malformed");
  return { kind: "length", length: Number(length) };
}
