import { assertEquals } from "@std/assert";
import { adopt } from "../../../src/net/socket.ts";
import type { Stream } from "../../../src/net/stream.ts";
import { hasNodeTls } from "../../../src/net/tls/node_tls.ts";
import { contextOf, serveByNode } from "../../../src/net/tls/serving_by_node.ts";
import { WrappedStream } from "../../../src/net/tls/wrapped.ts";
import { Authority, hasOpenssl } from "../../support/authority.ts";
import { readAll, socketPair } from "../../support/servers.ts";
import { unless } from "../../support/unless.ts";

/** What is written there arrives when it is let go. */
class Held extends WrappedStream {
  #go = Promise.resolve();

  /** Holds what is written from now on; returns what lets it go. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#go = promise;
    return resolve;
  }

  read(buffer: Uint8Array): Promise<number> {
    return this.below.read(buffer);
  }

  async write(bytes: Uint8Array): Promise<number> {
    await this.#go;
    return await this.below.write(bytes);
  }

  closeWrite(): Promise<void> {
    return this.below.closeWrite();
  }

  close(): void {
    this.below.close();
  }
}

Deno.test({
  ...unless(
    "the end is told when a client has room for it, however soon its connection is closed",
    {
      "there is no openssl": !hasOpenssl,
      "the runtime has no TLS over streams before Deno 2.8": !hasNodeTls(),
    },
  ),
  async fn() {
    using authority = new Authority();
    const { cert, key } = authority.issue();
    const { near, far } = await socketPair();
    const client = new Held(adopt(near) as Stream);
    const context = contextOf({
      cert: Deno.readTextFileSync(cert),
      key: Deno.readTextFileSync(key),
    });
    const serving = serveByNode(client, { begin: new Uint8Array(), context, protocols: [] });
    using tls = await Deno.startTls(far as Deno.TcpConn, {
      hostname: "localhost",
      caCerts: [authority.text],
    });
    await tls.handshake();
    const { stream } = await serving;
    await stream.write(new TextEncoder().encode("bye"));
    const letGo = client.hold();
    const ended = stream.closeWrite().then(() => stream.close());
    setTimeout(letGo, 50);
    assertEquals(new TextDecoder().decode(await readAll(tls)), "bye");
    await ended;
  },
});
