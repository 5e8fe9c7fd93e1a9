import type { Connector } from "./connector.ts";
import type { DialOptions } from "../net/dial.ts";
import type { TlsOutHost } from "../net/tls/out_terms.ts";
import { TlsOut } from "../net/tls/out.ts";
import { Unfinished } from "../net/tls/unfinished.ts";
import type { Stream } from "../net/stream.ts";
import { formatPlace } from "../config/service_address.ts";
import { nameAt, termsOf } from "../config/tls_out_terms.ts";
import type { DestinationConfig } from "../config/destination_text.ts";
import { sendingProxy } from "./send_proxy.ts";

/**
 * A connector with what goes before the first byte, and nothing else of that kind: a header of the PROXY
 * protocol, and TLS around what comes after it.
 */
export function dressed(
  connector: Connector,
  { config, host }: { config: DestinationConfig; host?: TlsOutHost | undefined },
): Connector {
  const below = connector instanceof TlsConnector ? connector.inner : connector;
  const inner = sendingProxy(below, config["send-proxy"]);
  if (!config.tls) return inner;
  const terms = termsOf(config, nameAt(config.address));
  const unfinished = unfinishedOf(connector) ??
    Unfinished.at(formatPlace(config.address), host);
  return new TlsConnector(inner, new TlsOut(terms, { host, unfinished }));
}

/** The handshakes of a connector that were given up; `undefined` if it does not speak TLS. */
export function unfinishedOf(connector: Connector): Unfinished | undefined {
  return connector instanceof TlsConnector ? connector.tls.unfinished : undefined;
}

/** The handshake is a part of the connect. A header of the PROXY protocol goes before it. */
class TlsConnector implements Connector {
  readonly inner: Connector;
  readonly tls: TlsOut;

  constructor(inner: Connector, tls: TlsOut) {
    this.inner = inner;
    this.tls = tls;
  }

  get description(): string {
    return this.inner.description;
  }

  get isTried(): boolean {
    return this.inner.isTried;
  }

  get isLocated(): boolean {
    return this.inner.isLocated;
  }

  async connect(options: DialOptions): Promise<Stream> {
    const { caller, signal } = options;
    const stream = await this.inner.connect({
      ...options,
      // What the client has sent goes behind the handshake, and no header can wait for it.
      caller: caller && {
        ...(caller.title !== undefined && { title: caller.title }),
        ...(caller.clientAddress && { clientAddress: caller.clientAddress }),
        ...(caller.listenerAddress && { listenerAddress: caller.listenerAddress }),
        hasBytes: false,
      },
    });
    return await this.tls.start(stream, { signal, where: this.description });
  }
}
