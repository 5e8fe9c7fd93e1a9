import { abortable } from "@std/async/abortable";
import { within } from "../../async/within.ts";
import { knownAnswer } from "./known.ts";
import { isName } from "./question.ts";
import {
  type Answer,
  type QuestionOptions,
  type QuestionType,
  ResolveError,
  type Resolver,
  type ResolverSetting,
} from "./records.ts";
import { NameServers } from "./servers.ts";
import { HOSTS, RESOLV_CONF } from "./system_files.ts";
import { SystemResolver } from "./system_resolver.ts";

/** How long it may take until it is known what becomes of a question, in milliseconds. */
const LIMIT_MS = 60_000;

/** What tests set otherwise. */
export interface MakeResolverOptions {
  /** Milliseconds for one server; 2000 unless given. */
  timeout?: number;
  /** The files that `system` reads. */
  files?: { readonly resolvConf: string; readonly hosts: string };
}

/** Answers a name that has been checked. */
interface Source {
  ask(name: string, type: QuestionType, options: { signal: AbortSignal }): Promise<Answer>;
}

/** A resolver for one listener. Nothing is open while nothing is asked. */
export function makeResolver(
  setting: ResolverSetting,
  options: MakeResolverOptions = {},
): Resolver {
  return new Client(setting, options);
}

class Client implements Resolver {
  readonly #options: MakeResolverOptions;
  /** Who is asked, and what ends all questions there. */
  #asked: { readonly source: Source; readonly ending: AbortController };
  #closed = false;
  /** Questions under way, which whoever asks the same shares. */
  readonly #pending = new Map<string, Promise<Answer>>();

  constructor(setting: ResolverSetting, options: MakeResolverOptions) {
    this.#options = options;
    this.#asked = { source: makeSource(setting, options), ending: new AbortController() };
  }

  async resolve(name: string, type: QuestionType, options: QuestionOptions): Promise<Answer> {
    const { signal } = options;
    signal.throwIfAborted();
    if (this.#closed) throw closed();
    const canonical = name.toLowerCase();
    const known = knownAnswer(canonical, type);
    if (known) return known;
    return await abortable(this.#share(canonical, type), signal);
  }

  use(setting: ResolverSetting): void {
    const { ending } = this.#asked;
    const source = makeSource(setting, this.#options);
    this.#asked = { source, ending: new AbortController() };
    ending.abort(new ResolveError("others are asked by now"));
  }

  close(): void {
    this.#closed = true;
    this.#asked.ending.abort(closed());
  }

  #share(name: string, type: QuestionType): Promise<Answer> {
    const pending = this.#pending;
    const key = `${type} ${name}`;
    const shared = pending.get(key);
    if (shared) return shared;
    const begun = this.#ask(name, type).finally(() => pending.delete(key));
    // Everybody who asked may have given up.
    begun.catch(() => {});
    pending.set(key, begun);
    return begun;
  }

  async #ask(name: string, type: QuestionType): Promise<Answer> {
    if (!isName(name.replace(/\.$/, ""))) throw new ResolveError(`${name} is no host name`);
    const late = () => new ResolveError(`${type} of ${name}: no answer in ${LIMIT_MS / 1000} s`);
    for (;;) {
      const { source, ending } = this.#asked;
      const limits = { ms: LIMIT_MS, signal: ending.signal, late };
      try {
        return await within(limits, (signal) => source.ask(name, type, { signal }));
      } catch (error) {
        // Others are asked by now, maybe because these do not answer.
        if (this.#closed || !ending.signal.aborted) throw error;
      }
    }
  }
}

function closed(): ResolveError {
  return new ResolveError("the resolver is closed");
}

function makeSource(setting: ResolverSetting, options: MakeResolverOptions): Source {
  const { files = { resolvConf: RESOLV_CONF, hosts: HOSTS }, timeout } = options;
  if (setting === "system") {
    return new SystemResolver({
      files,
      serversOf: (conf) => new NameServers(conf.servers, { timeout }),
    });
  }
  const servers = new NameServers(setting, { timeout });
  return { ask: (name, ...rest) => servers.ask(name.replace(/\.$/, ""), ...rest) };
}
