import type { Settings } from "../../config/options.ts";
import { isPeerOf } from "../../net/networks.ts";
import { readHeader } from "../../net/proxy_protocol/read.ts";
import type { Stream } from "../../net/stream.ts";
import type { Session } from "../../session/session.ts";
import { GreetingFailure } from "./failure.ts";
import type { Greeting } from "./greeting.ts";
import type { Opening } from "./opening.ts";

/** The PROXY header that peers in some networks have to send: it says who the client is. */
export class ProxyGreeting implements Greeting {
  readonly #settings: Pick<Settings, "acceptProxy" | "acceptProxyTimeout">;

  /** @param settings Those in force; they may change. */
  constructor(settings: Pick<Settings, "acceptProxy" | "acceptProxyTimeout">) {
    this.#settings = settings;
  }

  get timeout(): number {
    return this.#settings.acceptProxyTimeout;
  }

  concerns({ remoteAddress }: Stream): boolean {
    const { acceptProxy } = this.#settings;
    return acceptProxy.length > 0 && isPeerOf(acceptProxy, remoteAddress);
  }

  async greet(opening: Opening, session: Session): Promise<void> {
    let reading = readHeader(opening.bytes);
    while (reading.kind === "more") {
      await opening.more();
      reading = readHeader(opening.bytes);
    }
    if (reading.kind === "bad") throw new GreetingFailure("bad-proxy-header", reading.problem);
    const { ends, length } = reading.header;
    opening.take(length);
    if (!ends) return;
    session.clientAddress = ends.source;
    session.listenerAddress = ends.destination;
  }
}
