import { assertEquals } from "@std/assert";
import { BufferPool } from "../../src/net/buffer_pool.ts";
import type { Stream } from "../../src/net/stream.ts";
import { Session } from "../../src/session/session.ts";
import { Tap, type TapListener } from "../../src/session/tap.ts";

/** Takes at most so many bytes at a time. */
class FakeStream implements Stream {
  readonly localAddress = { transport: "tcp", hostname: "127.0.0.1", port: 1 } as const;
  readonly remoteAddress = { transport: "tcp", hostname: "127.0.0.1", port: 2 } as const;
  readonly written: string[] = [];
  most = Infinity;

  read(): Promise<number> {
    return new Promise(() => {});
  }

  write(bytes: Uint8Array): Promise<number> {
    const taken = bytes.subarray(0, this.most);
    this.written.push(new TextDecoder().decode(taken));
    return Promise.resolve(taken.length);
  }

  closeWrite(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {}
  sendPromptly(): void {}
  tuneForLongLife(): void {}
}

function connected() {
  const [client, server] = [new FakeStream(), new FakeStream()];
  const session = new Session(client, { id: 7, now: 0, buffers: new BufferPool() });
  session.server = server;
  const told: string[] = [];
  const listener: TapListener = {
    onBytes(_, direction, { offset, bytes }) {
      told.push(`${direction} ${offset} ${new TextDecoder().decode(bytes)}`);
    },
    onFinish: (_, direction) => void told.push(`${direction} ends`),
  };
  const tap = new Tap(session);
  tap.listeners.add(listener);
  return { client, server, session, tap, told };
}

/** Writes as the relay does. */
async function send(session: Session, server: Stream, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  session.up.received += bytes.length;
  for (let sent = 0; sent < bytes.length;) sent += await server.write(bytes.subarray(sent));
  session.up.bytes += bytes.length;
}

Deno.test("each byte is told once, with its place, however it is taken", async () => {
  const { server, session, tap, told } = connected();
  await send(session, server, "before");
  tap.connect();
  server.most = 2;
  await send(session, server, "hello");
  await send(session, server, "you");
  await server.closeWrite();
  assertEquals(told, ["up 6 hello", "up 11 you", "up ends"]);
  assertEquals(server.written.join(""), "beforehelloyou");
});

Deno.test("what is sent again to another server is not told again", async () => {
  const { server, session, tap, told } = connected();
  tap.connect();
  await send(session, server, "hello");
  session.up.received = session.up.bytes = 0;
  const other = session.server = new FakeStream();
  tap.connect();
  await send(session, other, "hello");
  await send(session, other, " again");
  assertEquals(told, ["up 0 hello", "up 5  again"]);
});

Deno.test("nobody listens any more: the streams are what they were", async () => {
  const { client, server, session, tap, told } = connected();
  const before = [client, server].map((one) => Reflect.ownKeys(one));
  tap.connect();
  tap.connect();
  assertEquals(Object.hasOwn(client, "write"), true);
  tap.close();
  assertEquals([client, server].map((one) => Reflect.ownKeys(one)), before);
  await send(session, server, "unseen");
  assertEquals([told, server.written], [[], ["unseen"]]);
});

Deno.test("a method that a stream has of its own is put back", () => {
  const { server, tap } = connected();
  const own = () => Promise.resolve(0);
  server.write = own;
  tap.connect();
  tap.close();
  assertEquals(server.write, own);
});
