import { getLogger } from "@logtape/logtape";
import { assert, assertEquals } from "@std/assert";
import { BufferPool } from "../../src/net/buffer_pool.ts";
import type { Stream } from "../../src/net/stream.ts";
import { DatagramBuffers } from "../../src/net/udp/buffers.ts";
import type { DatagramClient } from "../../src/net/udp/client.ts";
import { UdpListener, udpTerms } from "../../src/net/udp/listener.ts";
import { DatagramCounts } from "../../src/net/udp/terms.ts";
import { relayDatagrams } from "../../src/session/datagram_relay.ts";
import type { EndReason } from "../../src/operations/end_reasons.ts";
import { Session } from "../../src/session/session.ts";
import { Steps } from "../../src/session/steps.ts";
import { until } from "../support/servers.ts";
import { UdpClient } from "../support/udp.ts";

const log = getLogger("iawlb");

/** A socket towards a server whose end takes until it is let go, as it takes a turn of the runtime. */
class SlowToClose implements Stream {
  readonly localAddress = { transport: "udp", hostname: "127.0.0.1", port: 1 } as const;
  readonly remoteAddress = { transport: "udp", hostname: "127.0.0.1", port: 2 } as const;
  readonly written: string[] = [];
  closed = false;
  onClose = () => {};
  readonly #read = Promise.withResolvers<number>();

  read(): Promise<number> {
    return this.#read.promise;
  }

  write(bytes: Uint8Array): Promise<number> {
    if (this.closed) return Promise.reject(new Deno.errors.BadResource("closed"));
    this.written.push(new TextDecoder().decode(bytes));
    return Promise.resolve(bytes.length);
  }

  close(): void {
    this.closed = true;
    this.onClose();
  }

  /** It answers, with nothing. */
  answer(): void {
    this.#read.resolve(0);
  }

  letGo(): void {
    this.#read.reject(new Deno.errors.BadResource("closed"));
  }

  closeWrite(): Promise<void> {
    return Promise.resolve();
  }

  sendPromptly(): void {}

  tuneForLongLife(): void {}
}

/** A listener of UDP with a client that has sent something, whose session is relayed. */
class Scene implements AsyncDisposable {
  readonly counts = new DatagramCounts();
  readonly buffers = new DatagramBuffers();
  readonly server = new SlowToClose();
  readonly terms = udpTerms(
    {
      udpBuffer: { datagrams: 16, bytes: 2 ** 16, total: 2 ** 20 },
      udpReplyPort: "same",
      backlog: 8,
      queueTimeout: 0,
    },
    this,
  );
  readonly listener = new UdpListener(
    Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 }),
    { ...this.terms, log },
  );
  readonly client = new UdpClient(this.listener.address.port);
  session!: Session;
  relayed!: Promise<void>;

  static async start(udpAnswers: number): Promise<Scene> {
    const scene = new Scene();
    const { listener, client, server, counts, buffers } = scene;
    await client.send("first");
    const accepted = await listener.accept();
    const now = performance.now();
    const session = scene.session = new Session(accepted, {
      id: 1,
      now,
      buffers: new BufferPool(),
    });
    scene.relayed = relayDatagrams(session, { client: accepted, server }, {
      terms: {
        settings: { udpIdle: 30_000, udpAnswers, udpRequestTimeout: 5000 },
        ...{ counts, buffers, draining: false },
        onUnsent() {},
      },
      steps: new Steps(log, { on: false }),
      now,
      destination: { isDown: false, isLeaving: false, isSilent: false, isLooped: false },
    });
    await until(() => server.written.length === 1, "the first one is passed on");
    return scene;
  }

  /** What the next session of the client gets, as texts. */
  async next(): Promise<string[]> {
    const next = await this.listener.accept();
    assertEquals(next.remoteAddress.port, this.client.port);
    const received: string[] = [];
    await next.receive({
      send: (bytes) => Promise.resolve(received.push(new TextDecoder().decode(bytes))),
      sent() {},
      failed() {},
    });
    next.close();
    return received;
  }

  async [Symbol.asyncDispose]() {
    this.listener.close();
    await this.client[Symbol.asyncDispose]();
    assertEquals(this.terms.held.bytes, 0);
  }
}

for (const [reason, lost] of Object.entries({ "udp-idle": 0, "request-timeout": 0, killed: 2 })) {
  const what = lost ? "is dropped, and counted" : "begins the client's next one";
  Deno.test(`what comes while a session ends as ${reason} ${what}`, async () => {
    await using scene = await Scene.start(0);
    const { client, session, server, counts, terms } = scene;
    session.abort(reason as EndReason);
    assert(server.closed);
    await client.send("second", "third");
    await until(() => terms.held.bytes === 11 || counts.dropped === 2, "two more are here");
    server.letGo();
    await scene.relayed;
    session.close(performance.now());
    assertEquals([server.written, counts.dropped], [["first"], lost]);
    if (lost) await client.send("fourth");
    assertEquals(await scene.next(), lost ? ["fourth"] : ["second", "third"]);
  });
}

Deno.test("what a client asks while its session ends with an answer begins the next one", async () => {
  await using scene = await Scene.start(1);
  const { session, server, counts } = scene;
  server.onClose = () => {
    const bytes = new TextEncoder().encode("second");
    (session.client as DatagramClient).deliver(bytes);
  };
  server.answer();
  await scene.relayed;
  session.close(performance.now());
  assertEquals([session.reason, counts.dropped], ["done", 0]);
  assertEquals(await scene.next(), ["second"]);
});
