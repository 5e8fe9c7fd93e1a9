import { HttpError } from "./responses.ts";
import type { HttpRequest } from "../net/http/connection.ts";

/** What a request asks for, as it was sent: nothing is decoded, resolved or normalised. */
export interface Target {
  /** The host that the request is for, with its port. */
  authority: string;
  /** From the first slash to the question mark. */
  path: string;
  query: URLSearchParams;
}

/**
 * Takes the URL of a request apart. Not by `URL`, which resolves `..`, and throws if the client
 * wrote a host that is none.
 *
 * @throws {HttpError} If it is not of that form.
 */
export function targetOf(request: Pick<HttpRequest, "url">): Target {
  const parts = /^[a-z+]+:\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?$/i.exec(request.url);
  if (!parts) throw new HttpError(400, "the target of the request is malformed");
  const [, authority = "", path = "", query = ""] = parts;
  return { authority, path, query: new URLSearchParams(query) };
}
