import { abortable } from "@std/async/abortable";
import { messageOf } from "../../base/errors.ts";
import {
  type Answer,
  type NameServer,
  type QuestionOptions,
  type QuestionType,
  ResolveError,
  type Resolver,
  type ResolverSetting,
} from "./records.ts";

/** A resolver of one listener. */
export function makeResolver(setting: ResolverSetting): Resolver {
  return new Client(setting);
}

class Client implements Resolver {
  #setting: ResolverSetting;
  readonly #closing = new AbortController();

  constructor(setting: ResolverSetting) {
    this.#setting = setting;
  }

  async resolve(name: string, type: QuestionType, options: QuestionOptions): Promise<Answer> {
    const [server] = this.#setting === "system" ? [] : this.#setting;
    return await abortable(this.#ask({ name, type, server }), options.signal);
  }

  use(setting: ResolverSetting): void {
    this.#setting = setting;
  }

  close(): void {
    this.#closing.abort(new ResolveError("the resolver is closed"));
  }

  async #ask(question: {
    name: string;
    type: QuestionType;
    server: NameServer | undefined;
  }): Promise<Answer> {
    const { name, type, server } = question;
    const options = {
      signal: this.#closing.signal,
      ...(server && { nameServer: { ipAddr: server.hostname, port: server.port } }),
    };
    try {
      if (type === "SRV") {
        const found = await Deno.resolveDns(name, "SRV", options);
        const records = found.map(({ target, ...rest }) => ({
          type,
          ...rest,
          target: target.toLowerCase().replace(/\.$/, ""),
          addresses: [],
        }));
        return { kind: "records", records, ttl: 10 };
      }
      const found = await Deno.resolveDns(name, type, options);
      return { kind: "records", records: found.map((address) => ({ type, address })), ttl: 10 };
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) {
        return { kind: "empty", why: "no such record", ttl: undefined };
      }
      throw new ResolveError(messageOf(error), { cause: error });
    }
  }
}
