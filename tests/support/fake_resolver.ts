import { abortable } from "@std/async/abortable";
import {
  type Answer,
  type QuestionOptions,
  type QuestionType,
  ResolveError,
  type Resolver,
  type SrvRecord,
} from "../../src/net/dns/records.ts";

/** What a {@linkcode FakeResolver} makes of a question. */
type Reply = Answer | Error | Promise<Answer>;

/** Name servers that say what a test wants, and nothing of what it did not say. */
export class FakeResolver implements Resolver {
  /** The questions so far, such as `A web`. */
  readonly asked: string[] = [];
  /** How many are under way. */
  open = 0;
  closed = false;
  readonly #replies = new Map<string, Reply>();

  /** What a question is answered from now on. */
  set(type: QuestionType, name: string, reply: Reply): this {
    this.#replies.set(`${type} ${name}`, reply);
    return this;
  }

  /** A name with these addresses, and no others. */
  addresses(name: string, ...addresses: string[]): this {
    const v6 = addresses.filter((one) => one.includes(":"));
    const v4 = addresses.filter((one) => !one.includes(":"));
    this.set("A", name, v4.length > 0 ? recordsOf("A", v4) : NO_RECORD);
    return this.set("AAAA", name, v6.length > 0 ? recordsOf("AAAA", v6) : NO_RECORD);
  }

  /** Nothing usable about a name, as long as nothing else is said. */
  fails(name: string, why = "the server says SERVFAIL"): this {
    for (const type of ["A", "AAAA", "SRV"] as const) this.set(type, name, new ResolveError(why));
    return this;
  }

  async resolve(name: string, type: QuestionType, { signal }: QuestionOptions): Promise<Answer> {
    const question = `${type} ${name}`;
    this.asked.push(question);
    this.open++;
    try {
      const reply = this.#replies.get(question) ?? NO_NAME;
      if (reply instanceof Error) throw reply;
      return await abortable(Promise.resolve(reply), signal);
    } finally {
      this.open--;
    }
  }

  use(): void {}

  close(): void {
    this.closed = true;
  }
}

/** The name is there, and has nothing of the kind. */
export const NO_RECORD: Answer = { kind: "empty", why: "no such record", ttl: 30 };

/** The name is not there. */
export const NO_NAME: Answer = { kind: "empty", why: "no such name", ttl: undefined };

/** An answer with addresses. */
export function recordsOf(
  type: "A" | "AAAA",
  addresses: readonly string[],
  ttl = 30,
): Answer {
  return { kind: "records", records: addresses.map((address) => ({ type, address })), ttl };
}

/** An answer with services, each as `PRIORITY WEIGHT PORT TARGET [ADDRESS ...]`. */
export function servicesOf(records: readonly string[], ttl = 30): Answer {
  return {
    kind: "records",
    records: records.map((text): SrvRecord => {
      const [priority, weight, port, target = "", ...addresses] = text.split(" ");
      return {
        type: "SRV",
        target: target === "." ? "" : target,
        port: Number(port),
        priority: Number(priority),
        weight: Number(weight),
        addresses,
      };
    }),
    ttl,
  };
}
