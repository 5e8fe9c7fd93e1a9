import { Turns } from "../../async/turns.ts";
import { formatHostPort } from "../address.ts";
import { type Exchange, exchange, ExchangeError } from "./exchange.ts";
import { type Answer, type NameServer, type QuestionType, ResolveError } from "./records.ts";

/** How long one server may take, in milliseconds. */
const TIMEOUT_MS = 2000;

/** How often all servers are asked. */
const ROUNDS = 2;

/** How long a server that did not answer is asked after the others, in milliseconds. */
const LATER_MS = 30_000;

/** How many questions of this thread are open at a time: each has a descriptor that nobody counts. */
const MOST_QUESTIONS = 8;
const questions = new Turns(MOST_QUESTIONS);

/**
 * How many of those one silent server may have: one that is dead must not have all of them, and two
 * are enough to learn that it is back.
 */
const AT_SILENT = 2;

/** Who waited for a server that turned out to be silent asks another one. */
class PassedOver extends Error {}

/** Some name servers, as they are asked. */
export class NameServers {
  readonly #servers: readonly NameServer[];
  readonly #timeout: number;
  /** Until when those that were silent are asked last. */
  readonly #laterUntil = new Map<NameServer, number>();
  /** Who asks which server. */
  readonly #lines: ReadonlyMap<NameServer, Turns>;

  /** @param options.timeout Milliseconds for one server; 2000 unless given. */
  constructor(servers: readonly NameServer[], options: { timeout?: number | undefined } = {}) {
    this.#servers = servers;
    this.#timeout = options.timeout ?? TIMEOUT_MS;
    this.#lines = new Map(servers.map((server) => {
      const most = () => this.#wasSilent(server) ? AT_SILENT : MOST_QUESTIONS;
      return [server, new Turns(most)];
    }));
  }

  /**
   * The first usable answer. The servers are asked one after the other, those that were silent a while ago
   * after the others, and all of them twice.
   *
   * @param name In lower case without a dot at its end.
   * @throws {ResolveError} If none of them gave one.
   * @throws The signal's reason, if it is aborted first.
   */
  async ask(
    name: string,
    type: QuestionType,
    { signal }: { signal: AbortSignal },
  ): Promise<Answer> {
    const problems = new Map<NameServer, string>();
    for (let round = 0; round < ROUNDS; round++) {
      const left = new Set(this.#servers);
      for (let server = this.#next(left); server; server = this.#next(left)) {
        try {
          return await this.#ask({ server, name, type }, { others: left, signal });
        } catch (error) {
          if (error instanceof PassedOver) continue;
          if (!(error instanceof ExchangeError)) throw error;
          problems.set(server, error.message);
          left.delete(server);
        }
      }
    }
    const told = Array.from(problems, ([server, problem]) => `${nameOf(server)}: ${problem}`);
    throw new ResolveError(`${type} of ${name}: ${told.join("; ")}`);
  }

  /**
   * Asks a server as soon as it is its turn.
   *
   * @param options.others Those that are left to ask. While one of them is not silent, nobody goes on
   * waiting for one that is.
   * @throws {PassedOver} If that is so.
   */
  #ask(
    what: Exchange,
    { others, signal }: { others: ReadonlySet<NameServer>; signal: AbortSignal },
  ): Promise<Answer> {
    return this.#lines.get(what.server)!.take(async () => {
      if (this.#wasSilent(what.server) && !this.#wasSilent(this.#next(others)!)) {
        throw new PassedOver();
      }
      return await questions.take(() => this.#try(what, signal), { signal });
    }, { signal });
  }

  /** Notes whether the server was silent before the next one asks it. */
  async #try(what: Exchange, signal: AbortSignal): Promise<Answer> {
    try {
      const answer = await exchange(what, { signal, timeout: this.#timeout });
      this.#laterUntil.delete(what.server);
      return answer;
    } catch (error) {
      if (!(error instanceof ExchangeError)) throw error;
      if (error.answered) this.#laterUntil.delete(what.server);
      else this.#laterUntil.set(what.server, performance.now() + LATER_MS);
      throw error;
    }
  }

  /** The first of those that are left, a silent one only if all of them are. */
  #next(left: ReadonlySet<NameServer>): NameServer | undefined {
    const servers = [...left];
    return servers.find((server) => !this.#wasSilent(server)) ?? servers[0];
  }

  #wasSilent(server: NameServer): boolean {
    return (this.#laterUntil.get(server) ?? 0) > performance.now();
  }
}

function nameOf({ hostname, port }: NameServer): string {
  return formatHostPort(hostname, port);
}
