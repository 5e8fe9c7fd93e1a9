// What a relayed session costs, with both ends in this process: `deno bench -A scripts/bench`.
import { BufferPool } from "../../src/net/buffer_pool.ts";
import { relay } from "../../src/session/relay.ts";
import { Session } from "../../src/session/session.ts";
import { adopt } from "../../src/net/socket.ts";
import { FairReads } from "../../src/net/fair_reads.ts";

const ROUND_TRIPS = 1000;
const BYTES = 64 * 1024 * 1024;

/** The far ends of a session's two connections, and its end. */
interface Relayed {
  client: Deno.Conn;
  server: Deno.Conn;
  over: Promise<unknown>;
}

const buffers = new BufferPool();

/** Without the balancer, or with it and this meaning of a half-close. */
type Way = "direct" | "keep" | "abandon";

async function setUp(way: Way): Promise<Relayed> {
  const front = await socketPair();
  if (way === "direct") return { client: front.near, server: front.far, over: Promise.resolve() };
  const back = await socketPair();
  const session = new Session(adopt(front.far), {
    id: 1,
    now: 0,
    buffers,
    settings: { halfClose: way },
  });
  session.startReading();
  const over = relay(session, adopt(back.near), {
    buffers,
    fairReads: new FairReads(),
    redispatch: "held",
  });
  return { client: front.near, server: back.far, over: over.then(() => session.close(0)) };
}

async function tearDown({ client, server, over }: Relayed): Promise<void> {
  client.close();
  server.close();
  await over;
}

for (const way of ["direct", "keep", "abandon"] as const) {
  const name = way === "direct" ? way : `relayed, --half-close ${way}`;
  const baseline = way === "direct";

  Deno.bench(name, { group: `${ROUND_TRIPS} round trips`, baseline }, async (b) => {
    const ends = await setUp(way);
    const { client, server } = ends;
    const buffer = new Uint8Array(100);
    b.start();
    for (let i = 0; i < ROUND_TRIPS; i++) {
      await client.write(buffer);
      await server.read(buffer);
      await server.write(buffer);
      await client.read(buffer);
    }
    b.end();
    await tearDown(ends);
  });

  Deno.bench(name, { group: `${BYTES / 2 ** 20} MiB`, baseline }, async (b) => {
    const ends = await setUp(way);
    b.start();
    await Promise.all([send(ends.client), receive(ends.server)]);
    b.end();
    await tearDown(ends);
  });

  Deno.bench(name, { group: "a session", baseline }, async () => {
    await tearDown(await setUp(way));
  });
}

async function send(conn: Deno.Conn): Promise<void> {
  const chunk = new Uint8Array(256 * 1024);
  for (let sent = 0; sent < BYTES;) sent += await conn.write(chunk.subarray(0, BYTES - sent));
}

async function receive(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(256 * 1024);
  for (let received = 0; received < BYTES;) received += await conn.read(buffer) ?? BYTES;
}

async function socketPair(): Promise<{ near: Deno.Conn; far: Deno.Conn }> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const [near, far] = await Promise.all([
    Deno.connect({ hostname: "127.0.0.1", port }),
    listener.accept(),
  ]);
  return { near, far };
}
