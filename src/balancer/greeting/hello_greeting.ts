import { cut } from "../../base/text.ts";
import { isFairByName } from "../../config/hello_terms.ts";
import type { Settings } from "../../config/options.ts";
import { LONGEST_HELLO } from "../../net/client_hello/client_hello.ts";
import { HelloReader } from "../../net/client_hello/reader.ts";
import { shownBytes } from "../../net/shown_bytes.ts";
import type { Wish } from "../../session/route.ts";
import type { Session } from "../../session/session.ts";
import { lastWordsFor, type Routes } from "../routes/routes.ts";
import { GreetingFailure } from "./failure.ts";
import type { Greeting } from "./greeting.ts";
import type { Opening } from "./opening.ts";

/** Settings that say whether it is read, and for how long. */
type HelloSettings = Pick<Settings, "greetingTimeout" | "queueOrder" | "fairBy">;

/** The hello of TLS, which says what server a client wants. It is read and not taken: all goes on. */
export class HelloGreeting implements Greeting {
  readonly #settings: HelloSettings;
  readonly #routes: Pick<Routes, "active" | "bind">;

  /** @param settings Those in force; they may change. */
  constructor(
    settings: HelloSettings,
    routes: Pick<Routes, "active" | "bind">,
  ) {
    this.#settings = settings;
    this.#routes = routes;
  }

  get timeout(): number {
    return this.#settings.greetingTimeout;
  }

  concerns(): boolean {
    return this.#routes.active || isFairByName(this.#settings);
  }

  async greet(opening: Opening, session: Session): Promise<void> {
    const reader = new HelloReader();
    let reading = reader.read(opening.bytes);
    while (reading.kind === "more") {
      await opening.more(LONGEST_HELLO);
      reading = reader.read(opening.bytes);
    }
    // Somebody has ended it, or its time was over.
    if (session.stage !== "greeting" || session.reason !== undefined) return;
    const hello = reading.kind === "hello" ? reading.hello : undefined;
    session.hello = hello;
    // It may be read for its name alone, or nobody may ask for it any more.
    const missing = this.#routes.active ? this.#routes.bind(session, hello) : undefined;
    if (!missing) return;
    const problem = reading.kind === "none" ? reading.problem : problemWith(hello!, missing);
    const lastWords = hello && lastWordsFor(missing);
    throw new GreetingFailure("unknown-name", problem, { lastWords });
  }

  late(session: Session): boolean {
    return !this.#routes.active || this.#routes.bind(session) === undefined;
  }
}

/** What exactly nobody has, harmless in a log. */
function problemWith({ name, alpn }: Wish, missing: "name" | "protocol"): string {
  if (missing === "name") return name === undefined ? "no name" : `no destination for ${name}`;
  const protocols = shownBytes(new TextEncoder().encode(alpn.join(" ")));
  return cut(
    `no destination for the protocols ${protocols} of ${name ?? "clients without a name"}`,
  );
}
