// @ts-check
/// <reference lib="dom" />

/** Where the token is kept for as long as the tab is open. */
const TOKEN = "iawlb-token";

/** The program wants a token, or another one. */
export class TokenError extends Error {
  /** @override */
  name = "TokenError";
}

/** What the program said about something that it did not do. */
export class ApiError extends Error {
  /** @override */
  name = "ApiError";
  /** A line for each error, if there are several. */
  lines;

  /**
   * @param {string} message
   * @param {string[]} [lines]
   */
  constructor(message, lines = []) {
    super(message);
    this.lines = lines;
  }
}

/** @param {string} token */
export function keepToken(token) {
  sessionStorage.setItem(TOKEN, token);
}

/** Whether a token was given in this tab. */
export function hasToken() {
  return sessionStorage.getItem(TOKEN) !== null;
}

/**
 * Asks the program that served this page.
 *
 * @param {string} path
 * @param {{ method?: string, body?: unknown, signal?: AbortSignal }} [options]
 * @returns {Promise<Response>} What is not an error.
 * @throws {TokenError} If the token is missing or wrong.
 * @throws {ApiError} If it was not done.
 */
export async function ask(path, { method = "GET", body, signal } = {}) {
  /** @type {Record<string, string>} */
  const headers = {};
  const token = sessionStorage.getItem(TOKEN);
  if (token !== null) headers.authorization = `Bearer ${token}`;
  if (method === "POST" || method === "PATCH") headers["content-type"] = "application/json";
  const response = await fetch(path, {
    method,
    headers,
    cache: "no-store",
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  });
  if (response.ok) return response;
  if (response.status === 401) throw new TokenError("the program wants its token");
  const { error, errors } = await response.json().catch(() => ({}));
  throw new ApiError(error ?? `the program answered ${response.status}`, errors);
}

/**
 * Reads server-sent events until the stream ends.
 *
 * @param {ReadableStream<Uint8Array>} stream
 * @param {(event: string, data: string) => void} handle
 * @param {() => void} [arrived] Called for whatever comes, also for a part of an event.
 */
export async function readEvents(stream, handle, arrived = () => {}) {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    arrived();
    const blocks = (rest + decoder.decode(value, { stream: true })).split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      let event = "message";
      const data = [];
      for (const line of block.split(/\r?\n/)) {
        if (line.startsWith("event:")) event = line.slice(6).trim();
        else if (line.startsWith("data:")) data.push(line.slice(5).trimStart());
      }
      if (data.length > 0) handle(event, data.join("\n"));
    }
  }
}
