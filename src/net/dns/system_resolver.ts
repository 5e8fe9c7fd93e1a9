import { addressAnswer } from "./known.ts";
import { isName } from "./question.ts";
import type { Answer, QuestionType } from "./records.ts";
import type { NameServers } from "./servers.ts";
import { type Hosts, parseHosts, parseResolvConf, type ResolvConf } from "./system_files.ts";
import { WatchedFile } from "./watched_file.ts";

/** Options of {@linkcode SystemResolver}. */
export interface SystemResolverOptions {
  files: { readonly resolvConf: string; readonly hosts: string };
  /** Those that `resolv.conf` names, as they are asked. */
  serversOf(conf: ResolvConf): NameServers;
}

/** Asks as the system says: its hosts first, then its name servers, with its search domains. */
export class SystemResolver {
  readonly #hosts: WatchedFile<Hosts>;
  readonly #resolvConf: WatchedFile<{ conf: ResolvConf; servers: NameServers }>;

  constructor({ files, serversOf }: SystemResolverOptions) {
    this.#hosts = new WatchedFile(files.hosts, parseHosts);
    this.#resolvConf = new WatchedFile(files.resolvConf, (text) => {
      const conf = parseResolvConf(text);
      return { conf, servers: serversOf(conf) };
    });
  }

  /**
   * The answer for the first name of the search that has records. One that cannot be answered ends
   * the search: what comes behind it may be somebody else.
   *
   * @param name In lower case; with a dot at its end it is not searched for.
   * @throws {ResolveError} If a file cannot be read, or no server gave a usable answer.
   */
  async ask(
    name: string,
    type: QuestionType,
    options: { signal: AbortSignal },
  ): Promise<Answer> {
    if (type !== "SRV") {
      const here = (await this.#hosts.read()).addressesOf(name.replace(/\.$/, ""));
      if (here.length > 0) return addressAnswer(here, type);
    }
    const { conf, servers } = await this.#resolvConf.read();
    const empty: Extract<Answer, { kind: "empty" }>[] = [];
    const names = candidates(name, conf);
    for (const candidate of names) {
      const answer = await servers.ask(candidate, type, options);
      if (answer.kind === "records") return answer;
      const isLast = candidate === names.at(-1);
      if (!isLast && await hasOtherKind(candidate, { answer, type, servers, ...options })) {
        return answer;
      }
      empty.push(answer);
    }
    const ttls = empty.flatMap(({ ttl }) => ttl === undefined ? [] : [ttl]);
    return {
      kind: "empty",
      why: empty.find(({ why }) => why === "no such record")?.why ?? "no such name",
      ttl: ttls.length > 0 ? Math.min(...ttls) : undefined,
    };
  }
}

/**
 * Whether a host has addresses of the other kind only: then it is the one that is meant, and none
 * that is found further on.
 */
async function hasOtherKind(
  name: string,
  about: { answer: Answer; type: QuestionType; servers: NameServers; signal: AbortSignal },
): Promise<boolean> {
  const { answer, type, servers, signal } = about;
  if (type === "SRV" || answer.kind !== "empty" || answer.why === "no such name") return false;
  const other = await servers.ask(name, type === "A" ? "AAAA" : "A", { signal });
  return other.kind === "records";
}

/** The names that are asked for, one after the other. */
export function candidates(
  name: string,
  { search, ndots }: Pick<ResolvConf, "search" | "ndots">,
): readonly string[] {
  if (name.endsWith(".")) return [name.slice(0, -1)];
  // What becomes too long is none.
  const searched = search.map((domain) => `${name}.${domain}`).filter(isName);
  return name.split(".").length - 1 >= ndots ? [name, ...searched] : [...searched, name];
}
