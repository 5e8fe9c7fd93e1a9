import type { Connector } from "./connector.ts";
import { DialError, type DialOptions } from "../net/dial.ts";
import { PrefacedStream } from "../net/prefaced_stream.ts";
import { proxyHeader, type ProxyVersion } from "../net/proxy_protocol/write.ts";
import type { Stream } from "../net/stream.ts";

/**
 * A connector whose connections begin with a header of the PROXY protocol of this version, and no
 * other one; with `off` the plain one.
 *
 * The header tells of the client that the connection is for. It goes in one write with the client's
 * first bytes where these are there, otherwise at once, since a server that speaks first waits for it.
 */
export function sendingProxy(inner: Connector, version: ProxyVersion | "off"): Connector {
  const plain = inner instanceof ProxyConnector ? inner.inner : inner;
  return version === "off" ? plain : new ProxyConnector(plain, version);
}

class ProxyConnector implements Connector {
  /** What connects, without anything before the first byte. */
  readonly inner: Connector;
  readonly #version: ProxyVersion;

  constructor(inner: Connector, version: ProxyVersion) {
    this.inner = inner;
    this.#version = version;
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
    const stream = await this.inner.connect(options);
    const { signal, caller } = options;
    const { clientAddress: source, listenerAddress: destination } = caller ?? {};
    const header = proxyHeader(this.#version, source && destination && { source, destination });
    if (caller?.hasBytes) return new PrefacedStream(stream, header);
    try {
      for (let sent = 0; sent < header.length;) sent += await stream.write(header.subarray(sent));
      signal.throwIfAborted();
    } catch (error) {
      stream.close();
      signal.throwIfAborted();
      throw new DialError([{ where: this.description, error }]);
    }
    // What follows is not the first write any more, and must not wait for the header to be acknowledged.
    stream.sendPromptly();
    return stream;
  }
}
