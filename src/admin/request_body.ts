import { after } from "../base/timer.ts";
import { HttpError } from "./responses.ts";
import type { HttpRequest } from "../net/http/connection.ts";

/** Largest body of a request in bytes; what can be asked for needs less than 1 KiB. */
const MAX_BODY = 64 * 1024;

/**
 * The JSON in the body of a request; `undefined` if the body is empty.
 *
 * @param options.timeout Milliseconds that the client has for sending it.
 * @throws {HttpError} If it is not JSON, or too large, or takes too long.
 */
export async function readJson(
  request: Pick<HttpRequest, "headers" | "body">,
  options: { timeout: number },
): Promise<unknown> {
  checkHeaders(request.headers);
  const bytes = await readBody(request, options.timeout);
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new HttpError(400, "the body is not JSON in UTF-8");
  }
}

/** A type that no form of a web page can send keeps those out, whatever else it is good for. */
function checkHeaders(headers: Headers): void {
  const type = headers.get("content-type") ?? "";
  if (!/^application\/json *(?:; *charset="?utf-8"? *)?$/i.test(type)) {
    throw new HttpError(
      415,
      `content-type ${JSON.stringify(type)} is not allowed; must be application/json`,
    );
  }
  const encoding = headers.get("content-encoding") ?? "identity";
  if (encoding !== "identity") {
    throw new HttpError(415, `content-encoding ${JSON.stringify(encoding)} is not allowed`);
  }
  if (Number(headers.get("content-length") ?? 0) > MAX_BODY) throw tooLarge();
}

async function readBody(request: Pick<HttpRequest, "body">, timeout: number): Promise<Uint8Array> {
  if (!request.body) return new Uint8Array();
  const reader = request.body.getReader();
  const expired = Promise.withResolvers<never>();
  const timer = after(timeout, () => {
    expired.reject(new HttpError(408, `the body did not arrive within ${timeout} ms`));
  });
  try {
    return await Promise.race([readAll(reader), expired.promise]);
  } catch (error) {
    // Not waited for: the client may still be sending.
    reader.cancel().catch(() => {});
    throw error instanceof HttpError ? error : new HttpError(400, "the body did not arrive");
  } finally {
    timer.stop();
  }
}

async function readAll(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array> {
  const bytes = new Uint8Array(MAX_BODY);
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return bytes.subarray(0, length);
    if (length + value.length > MAX_BODY) throw tooLarge();
    bytes.set(value, length);
    length += value.length;
  }
}

function tooLarge(): HttpError {
  return new HttpError(413, `the body is too large; must be at most ${MAX_BODY} bytes`);
}
