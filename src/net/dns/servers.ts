import { Turns } from "../../async/turns.ts";
import { formatHostPort } from "../address.ts";
import { exchange, ExchangeError } from "./exchange.ts";
import { type Answer, type NameServer, type QuestionType, ResolveError } from "./records.ts";

/** How long one server may take, in milliseconds. */
const TIMEOUT_MS = 2000;

/** How often all servers are asked. */
const ROUNDS = 2;

/** How long a server that did not answer is asked after the others, in milliseconds. */
const LATER_MS = 30_000;

/** How many questions of this thread are open at a time: each has a descriptor that nobody counts. */
const questions = new Turns(8);

/** Some name servers, as they are asked. */
export class NameServers {
  readonly #servers: readonly NameServer[];
  readonly #timeout: number;
  /** Until when those that were silent are asked last. */
  readonly #laterUntil = new Map<NameServer, number>();

  /** @param options.timeout Milliseconds for one server; 2000 unless given. */
  constructor(servers: readonly NameServer[], options: { timeout?: number | undefined } = {}) {
    this.#servers = servers;
    this.#timeout = options.timeout ?? TIMEOUT_MS;
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
      for (const server of this.#inOrder()) {
        try {
          const answer = await questions.take(() => {
            return exchange({ server, name, type }, { signal, timeout: this.#timeout });
          });
          this.#laterUntil.delete(server);
          return answer;
        } catch (error) {
          if (!(error instanceof ExchangeError)) throw error;
          if (!error.answered) this.#laterUntil.set(server, performance.now() + LATER_MS);
          problems.set(server, error.message);
        }
      }
    }
    const told = Array.from(problems, ([server, problem]) => `${nameOf(server)}: ${problem}`);
    throw new ResolveError(`${type} of ${name}: ${told.join("; ")}`);
  }

  #inOrder(): NameServer[] {
    const now = performance.now();
    const isLater = (server: NameServer) => Number((this.#laterUntil.get(server) ?? 0) > now);
    return this.#servers.toSorted((a, b) => isLater(a) - isLater(b));
  }
}

function nameOf({ hostname, port }: NameServer): string {
  return formatHostPort(hostname, port);
}
