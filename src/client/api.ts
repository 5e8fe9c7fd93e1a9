import { type Address, formatAddress, formatHostPort } from "../address.ts";
import { FatalError, messageOf } from "../errors.ts";
import type { Status } from "../operations.ts";
import { after } from "../timer.ts";
import { readEvents, type ServerEvent } from "./event_stream.ts";
import { printable } from "./format.ts";

/** How long the admin API may take to begin an answer, in milliseconds. */
const ANSWER_TIMEOUT_MS = 30_000;

/** Nothing accepts connections at the address. */
export class UnreachableError extends FatalError {}

/** What proves to the admin API who asks. */
export interface Token {
  readonly value: string;
  /** Where it was read, for messages. */
  readonly file: string;
}

/** A request other than a plain `GET`. */
export interface Call {
  method?: "GET" | "POST" | "PATCH" | "DELETE";
  /** Sent as JSON. */
  body?: unknown;
}

/**
 * Speaks to the admin API of a running iawlb.
 *
 * @throws {FatalError} Every method, with one line that says what failed: the connection
 * ({@linkcode UnreachableError} if there was none), the token, or what the API itself says.
 */
export class AdminClient implements Disposable {
  /** Where it is, as the operator would write it. */
  readonly name: string;
  readonly #origin: string;
  readonly #token: Token | undefined;
  readonly #http: Deno.HttpClient;

  constructor(address: Address, token?: Token) {
    this.name = formatAddress(address);
    this.#token = token;
    const unix = address.transport === "unix";
    const hostname = unix ? "localhost" : address.hostname ?? "127.0.0.1";
    const host = unix ? "localhost" : formatHostPort(hostname, address.port);
    this.#origin = `http://${host}`;
    // Named as a proxy even for TCP: without one, HTTP_PROXY would send the token somewhere else.
    this.#http = Deno.createHttpClient({
      http2: false,
      proxy: unix ? { transport: "unix", path: address.path } : {
        transport: "tcp",
        hostname: hostname.includes(":") ? `[${hostname}]` : hostname,
        port: address.port,
      },
    });
  }

  /** The JSON of an answer; `undefined` if it has none. */
  async call<T>(path: string, call: Call = {}): Promise<T> {
    const text = await this.text(path, call);
    if (text === "") return undefined as T;
    try {
      return JSON.parse(text);
    } catch {
      throw this.#foreign(`its answer to ${path} is not JSON`);
    }
  }

  async status(): Promise<Status> {
    const status = await this.call<Status>("/status");
    if (!Array.isArray(status?.listeners)) throw this.#foreign("its /status has no listeners");
    return status;
  }

  /** The body of an answer as it is. */
  async text(path: string, call: Call = {}): Promise<string> {
    const response = await this.#request(path, call);
    try {
      return await response.text();
    } catch (error) {
      throw this.#cutOff(error);
    }
  }

  /**
   * What `GET /events` tells, until the program ends the stream, the connection fails, or the
   * signal is aborted: all three end it without an error.
   */
  async *events(signal?: AbortSignal): AsyncGenerator<ServerEvent, void> {
    let response: Response;
    try {
      response = await this.#request("/events", {}, signal);
    } catch (error) {
      if (signal?.aborted) return;
      throw error;
    }
    if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
      await response.body?.cancel();
      throw this.#foreign("its /events is not an event stream");
    }
    const events = readEvents(response.body!);
    try {
      for (;;) {
        const next = await events.next().catch(() => undefined);
        if (next === undefined || next.done) return;
        yield next.value;
      }
    } finally {
      await events.return();
    }
  }

  /** The {@linkcode Status} events of {@linkcode events}: one at once, then one each second. */
  async *statuses(signal?: AbortSignal): AsyncGenerator<Status, void> {
    for await (const { type, data } of this.events(signal)) {
      if (type !== "status") continue;
      let status: Status;
      try {
        status = JSON.parse(data);
      } catch {
        throw this.#foreign("an event of its /events is not JSON");
      }
      yield status;
    }
  }

  [Symbol.dispose](): void {
    this.#http.close();
  }

  async #request(path: string, call: Call, signal?: AbortSignal): Promise<Response> {
    const { method = "GET", body } = call;
    const headers = new Headers();
    if (this.#token) headers.set("authorization", `Bearer ${this.#token.value}`);
    if (method === "POST" || method === "PATCH") headers.set("content-type", "application/json");
    const late = new AbortController();
    const timer = after(ANSWER_TIMEOUT_MS, () => late.abort());
    let response: Response;
    try {
      response = await fetch(this.#origin + path, {
        client: this.#http,
        method,
        headers,
        redirect: "manual",
        signal: signal ? AbortSignal.any([signal, late.signal]) : late.signal,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
    } catch (error) {
      if (late.signal.aborted) {
        throw new FatalError(`${this.name} has not answered for ${ANSWER_TIMEOUT_MS / 1000} s`);
      }
      throw this.#notConnected(error);
    } finally {
      timer.stop();
    }
    if (!response.ok) throw await this.#refusal(response, `${method} ${path}`);
    return response;
  }

  /** Why a request has no answer at all. */
  #notConnected(error: unknown): FatalError {
    // Deno 2.6 has the reason in the message, later ones in the cause.
    const text = `${messageOf(error)} ${messageOf((error as { cause?: unknown }).cause ?? "")}`;
    const [, reason] = /client error \(Connect\): (.*?)(?: \(os error \d+\))?\s*$/s.exec(text) ??
      [];
    if (reason === undefined) return this.#cutOff(error);
    const why = printable(reason.replace(/^tcp connect error: /, ""));
    return new UnreachableError(
      `Cannot connect to ${this.name}: ${why}; is iawlb running with --admin ${this.name}?`,
    );
  }

  #cutOff(error: unknown): FatalError {
    const { cause } = error as { cause?: unknown };
    const why = printable(messageOf(cause ?? error)).replace(/^.*?: client error /, "");
    return new FatalError(`${this.name} did not answer to the end: ${why}`);
  }

  async #refusal(response: Response, request: string): Promise<FatalError> {
    const text = await response.text().catch(() => "");
    if (response.status === 401) {
      return new FatalError(
        this.#token
          ? `${this.name} does not accept the token in ${this.#token.file}`
          : `${this.name} wants a token: give --token-file FILE`,
      );
    }
    const refusal = readRefusal(text);
    if (refusal !== undefined) return new FatalError(refusal);
    return this.#foreign(`it answered ${response.status} to ${request}`);
  }

  #foreign(why: string): FatalError {
    return new FatalError(`${this.name} does not look like the --admin address of iawlb: ${why}`);
  }
}

/** The API's own words: its error, or a line for each if there are several. */
function readRefusal(text: string): string | undefined {
  let answer: { error?: unknown; errors?: unknown } | null;
  try {
    answer = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof answer?.error !== "string") return undefined;
  const details = Array.isArray(answer.errors) ? answer.errors.map(String) : [];
  return (details.length > 0 ? details : [answer.error]).map(printable).join("\n");
}
