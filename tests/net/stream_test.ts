import { assertEquals } from "@std/assert";
import { FairReads } from "../../src/net/fair_reads.ts";
import { adopt } from "../../src/net/socket.ts";
import { relay } from "../../src/session/relay.ts";
import { Session } from "../../src/session/session.ts";
import { PrefixedStream } from "../support/prefixed_stream.ts";
import { randomBytes, readAll, socketPair, until, writeAll } from "../support/servers.ts";
import { StrictPool } from "../support/strict_pool.ts";

const SOURCES = new URL("../../src/", import.meta.url);

/** What the runtime calls its sockets, their addresses, and what opens them. */
const RUNTIME_SOCKETS =
  /\bDeno\s*\.\s*((Tcp|Unix|Tls|Vsock|Datagram)?(Conn|Listener)|(Net|Unix|Vsock)?Addr|connect\w*|listen\w*|startTls)\b|\b(remote|local)Addr\b/;

Deno.test("outside of net/ nobody sees a socket of the runtime", async () => {
  const seen: string[] = [];
  for (const path of await sources(SOURCES)) {
    const file = path.pathname.slice(SOURCES.pathname.length);
    if (file.startsWith("net/")) continue;
    const code = (await Deno.readTextFile(path)).replace(/\/\*[^]*?\*\/|\/\/.*$/gm, "");
    const found = RUNTIME_SOCKETS.exec(code);
    if (found) seen.push(`${file}: ${found[0]}`);
  }
  assertEquals(seen, []);
});

for (const length of [1, 4096, 10_000]) {
  Deno.test(`a stream around another is relayed as any, with ${length} bytes before`, async () => {
    const front = await socketPair();
    const back = await socketPair();
    const [question, answer] = [randomBytes(length), randomBytes(length)];
    const client = new PrefixedStream(adopt(front.far), question);
    const server = new PrefixedStream(adopt(back.near), answer);
    const buffers = new StrictPool();
    const session = new Session(client, { id: 1, now: 0, buffers });
    session.startReading();
    session.tuneForLongLife({ keepAlive: true });
    const over = relay(session, server, {
      buffers,
      fairReads: new FairReads(),
      redispatch: "held",
    });
    await Promise.all([writeAll(front.near, question), writeAll(back.far, answer)]);
    await Promise.all([front.near.closeWrite(), back.far.closeWrite()]);
    const [asked, answered] = await Promise.all([readAll(back.far), readAll(front.near)]);
    assertEquals(asked, new Uint8Array([...question, ...question]));
    assertEquals(answered, new Uint8Array([...answer, ...answer]));
    await over;
    session.close(0);
    assertEquals([session.reason, session.up.bytes], ["done", 2 * length]);
    assertEquals(client.calls[0], "tuneForLongLife");
    for (const { calls } of [client, server]) assertEquals(calls.at(-1), "close");
    await until(() => buffers.out === 0, "all buffers are back");
    front.near.close();
    back.far.close();
  });
}

async function sources(folder: URL): Promise<URL[]> {
  const found: URL[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) found.push(...await sources(new URL(`${name}/`, folder)));
    else if (/\.tsx?$/.test(name)) found.push(new URL(name, folder));
  }
  return found;
}
