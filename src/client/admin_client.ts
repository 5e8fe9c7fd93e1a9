import { type Address, formatAddress, formatHostPort } from "../net/address.ts";
import { FatalError, messageOf } from "../base/errors.ts";
import type { Status } from "../operations/operations.ts";
import { after, type Timer } from "../base/timer.ts";
import { chunksOf, EndlessError, readText } from "./bounded.ts";
import { readEvents, type ServerEvent } from "./event_stream.ts";
import { printable } from "./format.ts";
import { CLIENT_LIMITS, type ClientLimits } from "./limits.ts";
import { isStatus } from "./shapes.ts";

/** The beginning of the text format of Prometheus: a comment, or a metric with its value. */
const METRIC = /^(?:# [^\n]+|[a-z_:][\w:]*(?:\{[^\n]*\})? [-+\w.]+)\n/i;

/** Most that is shown of what the other end says in its own words. */
const LONGEST_REASON = 500;
const MOST_REASONS = 20;

/** Largest refusal that is read, in bytes. */
const LARGEST_REFUSAL = 64 * 1024;

/** Nothing accepts connections at the address. */
export class UnreachableError extends FatalError {}

/** What answers at the address is not the admin API of iawlb. */
export class ForeignError extends FatalError {}

/** Whoever asks may not do that. */
export class RefusedError extends FatalError {}

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
  /** A status that is an answer as well, beside those from 200 to 299. */
  also?: number;
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
  readonly #limits: ClientLimits;

  constructor(
    address: Address,
    options: { token?: Token | undefined; limits?: Partial<ClientLimits> | undefined } = {},
  ) {
    const { token, limits } = options;
    this.#limits = { ...CLIENT_LIMITS, ...limits };
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

  /** The JSON of an answer that is of the form that it should be; `undefined` if it has none. */
  async call<T>(
    path: string,
    isFine: (answer: unknown) => answer is T,
    call: Call = {},
  ): Promise<T> {
    const text = await this.#text(path, { call, limit: this.#limits.json });
    return this.#read(text, isFine, `its answer to ${path}`);
  }

  status(): Promise<Status> {
    return this.call("/status", isStatus);
  }

  /** The text of `GET /metrics`. */
  async metrics(): Promise<string> {
    const text = await this.#text("/metrics", { call: {}, limit: this.#limits.metrics });
    if (!METRIC.test(text)) throw this.#foreign("its answer to /metrics is not of that format");
    return text;
  }

  /**
   * What `GET /events` tells, or another stream of events, until the program ends the stream, the connection fails, or the
   * signal is aborted: all three end it without an error.
   */
  async *events(signal: AbortSignal, path = "/events"): AsyncGenerator<ServerEvent, void> {
    let response: Response;
    try {
      response = await this.#request(path, {}, signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
      await response.body?.cancel();
      throw this.#foreign(`its ${path.replace(/\?.*$/s, "")} is not an event stream`);
    }
    const events = readEvents(chunksOf(response.body, signal), this.#limits.json);
    try {
      for (;;) {
        const next = await events.next().catch((error) => {
          if (error instanceof EndlessError) throw this.#foreign(`an event: ${error.message}`);
        });
        if (next === undefined || next.done) return;
        yield next.value;
      }
    } finally {
      await events.return();
    }
  }

  /** How long something may take, in milliseconds. */
  get patience(): number {
    return this.#limits.patience;
  }

  /**
   * The {@linkcode Status} events of {@linkcode events}: one at once, then one each second.
   */
  async *statuses(): AsyncGenerator<Status, void> {
    const { patience } = this.#limits;
    const late = new AbortController();
    const watch = () => after(patience, () => late.abort());
    let timer: Timer = watch();
    try {
      for await (const { type, data } of this.events(late.signal)) {
        if (type !== "status") continue;
        timer.stop();
        yield this.#read(data, isStatus, "an event of its /events");
        timer = watch();
      }
      if (late.signal.aborted) {
        throw new FatalError(`${this.name} has told no status for ${seconds(patience)}`);
      }
    } finally {
      timer.stop();
    }
  }

  [Symbol.dispose](): void {
    this.#http.close();
  }

  #read<T>(text: string, isFine: (answer: unknown) => answer is T, what: string): T {
    let answer: unknown;
    try {
      answer = text === "" ? undefined : JSON.parse(text);
    } catch {
      throw this.#foreign(`${what} is not JSON`);
    }
    if (isFine(answer)) return answer;
    throw this.#foreign(`${what} is not what iawlb tells`);
  }

  /** The body of an answer, which must come to its end in time. */
  async #text(path: string, { call, limit }: { call: Call; limit: number }): Promise<string> {
    const { patience } = this.#limits;
    const late = new AbortController();
    const timer = after(patience, () => late.abort());
    try {
      const { body } = await this.#request(path, call, late.signal);
      try {
        return await readText(chunksOf(body, late.signal), limit);
      } catch (error) {
        if (late.signal.aborted) throw this.#unfinished();
        if (error instanceof EndlessError) {
          throw this.#foreign(`its answer to ${path}: ${error.message}`);
        }
        throw this.#cutOff(error);
      }
    } finally {
      timer.stop();
    }
  }

  async #request(path: string, call: Call, signal: AbortSignal): Promise<Response> {
    const { method = "GET", body, also } = call;
    const headers = new Headers();
    if (this.#token) headers.set("authorization", `Bearer ${this.#token.value}`);
    if (method === "POST" || method === "PATCH") headers.set("content-type", "application/json");
    let response: Response;
    try {
      response = await fetch(this.#origin + path, {
        client: this.#http,
        method,
        headers,
        redirect: "manual",
        signal,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
    } catch (error) {
      throw signal.aborted ? this.#unfinished() : this.#notConnected(error);
    }
    if (response.ok || response.status === also) return response;
    throw await this.#refusal(response, { request: `${method} ${path}`, signal });
  }

  #unfinished(): FatalError {
    const { patience } = this.#limits;
    return new FatalError(`${this.name} has not answered to the end for ${seconds(patience)}`);
  }

  /** Why a request has no answer at all. */
  #notConnected(error: unknown): FatalError {
    // Deno 2.6 has the reason in the message, later ones in the cause.
    const text = `${messageOf(error)} ${messageOf((error as { cause?: unknown }).cause ?? "")}`;
    const [, reason] = /client error \(Connect\): (.*?)(?: \(os error \d+\))?\s*$/s.exec(text) ??
      [];
    if (reason === undefined) return this.#cutOff(error);
    const why = shown(reason.replace(/^tcp connect error: /, ""));
    const hint = /permission denied/i.test(why) && this.name.startsWith("unix:")
      ? "it is for root, and for the user and the group of iawlb: try it with sudo"
      : `is iawlb running with --admin ${this.name}?`;
    return new UnreachableError(`Cannot connect to ${this.name}: ${why}; ${hint}`);
  }

  #cutOff(error: unknown): FatalError {
    const { cause } = error as { cause?: unknown };
    const why = shown(messageOf(cause ?? error)).replace(/^.*?: client error /, "");
    return new FatalError(`${this.name} did not answer to the end: ${why}`);
  }

  async #refusal(
    response: Response,
    { request, signal }: { request: string; signal: AbortSignal },
  ): Promise<FatalError> {
    const text = await readText(chunksOf(response.body, signal), LARGEST_REFUSAL).catch(() => "");
    if (response.status === 401) {
      return new RefusedError(
        this.#token
          ? `${this.name} does not accept the token in ${this.#token.file}`
          : `${this.name} wants a token: give --token-file FILE`,
      );
    }
    const refusal = readRefusal(text);
    if (refusal !== undefined) {
      return response.status === 403 ? new RefusedError(refusal) : new FatalError(refusal);
    }
    return this.#foreign(`it answered ${response.status} to ${request}`);
  }

  #foreign(why: string): ForeignError {
    return new ForeignError(`${this.name} does not look like the --admin address of iawlb: ${why}`);
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
  const reasons = details.length > 0 ? details : [answer.error];
  return reasons.slice(0, MOST_REASONS).map(shown).join("\n");
}

function shown(reason: string): string {
  return printable(reason.slice(0, LONGEST_REASON));
}

function seconds(ms: number): string {
  return `${ms / 1000} s`;
}
