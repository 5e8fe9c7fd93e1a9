import { isFairByName } from "../../config/hello_terms.ts";
import type { Settings } from "../../config/options.ts";
import { speaksTls, type TlsSettings } from "../../config/tls_rules.ts";
import { LONGEST_HELLO } from "../../net/client_hello/client_hello.ts";
import { HelloReader } from "../../net/client_hello/reader.ts";
import type { Session } from "../../session/session.ts";
import type { Routes } from "../routes/routes.ts";
import { bindAsAsked } from "./asked.ts";
import type { Greeting } from "./greeting.ts";
import type { Opening } from "./opening.ts";

type HelloSettings = Pick<Settings, "greetingTimeout" | "queueOrder" | "fairBy"> & TlsSettings;

/**
 * The hello of TLS, which says what server a client wants. It is read and not taken: all goes on. Where
 * clients speak TLS with this program it is read there.
 */
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
    const asked = this.#routes.active || isFairByName(this.#settings);
    return asked && !speaksTls(this.#settings);
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
    const said = reading.kind === "none" ? reading.problem : undefined;
    bindAsAsked(session, { hello, said, routes: this.#routes });
  }

  late(session: Session): boolean {
    return !this.#routes.active || this.#routes.bind(session) === undefined;
  }
}
