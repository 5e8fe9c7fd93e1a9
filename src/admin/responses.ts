/** Headers of every answer: nothing is stored, sniffed, framed, or read by pages of other sites. */
const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store, no-transform",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/** Why a request is not served; becomes the answer `{"error": "one line"}`. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** All errors, a line each, where there can be several. */
  readonly errors: readonly string[] | undefined;

  constructor(
    status: number,
    message: string,
    options: { headers?: Record<string, string>; errors?: readonly string[] } = {},
  ) {
    super(message);
    this.status = status;
    this.headers = options.headers ?? {};
    this.errors = options.errors;
  }
}

/** An answer of 422 that lists all errors. */
export function invalid(errors: readonly string[]): HttpError {
  return new HttpError(422, errors.join("; "), { errors });
}

/** The content type of JSON. */
export const JSON_TYPE = "application/json";

/** A JSON answer; 200 unless another status is given. */
export function json(value: unknown, status = 200): Response {
  return answer(JSON.stringify(value) + "\n", { status, type: JSON_TYPE });
}

/** An answer with the headers that all have; 200 unless another status is given. */
export function answer(
  body: BodyInit | null,
  options: { type?: string; status?: number; headers?: Readonly<Record<string, string>> } = {},
): Response {
  const { type, status = 200, headers = {} } = options;
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const known = {
    ...(type !== undefined && { "content-type": type }),
    // What has a length is not sent in chunks.
    ...(bytes instanceof Uint8Array && { "content-length": String(bytes.length) }),
  };
  return new Response(bytes, { status, headers: { ...SECURITY_HEADERS, ...known, ...headers } });
}

/** The answer to a request that is not served. */
export function refusal({ status, message, headers, errors }: HttpError): Response {
  const body = JSON.stringify(errors ? { error: message, errors } : { error: message }) + "\n";
  return answer(body, { status, type: JSON_TYPE, headers });
}
