// What one item costs in the channel: `deno task bench`. Each run moves ITEMS of them.
import { Channel } from "../../src/async/channel.ts";
import { QueueOrder } from "../../src/balancer/queue_order.ts";
import { readSettings } from "../../src/config/options.ts";
import { audienceOf, type Session } from "../../src/session/session.ts";

const ITEMS = 1_000_000;

Deno.bench("array push and shift", { group: "a million items", baseline: true }, () => {
  const items: number[] = [];
  for (let i = 0; i < ITEMS; i++) {
    items.push(i);
    items.shift();
  }
});

Deno.bench("send to waiting receivers", { group: "a million items" }, async () => {
  const channel = new Channel<number>(1);
  for (let i = 0; i < ITEMS; i++) {
    const received = channel.receive();
    channel.trySend(i);
    await received;
  }
});

for (const depth of [10, 10_000]) {
  Deno.bench(`send and receive with ${depth} waiting`, { group: "a million items" }, async () => {
    const channel = new Channel<number>(depth + 1);
    for (let i = 0; i < depth; i++) channel.trySend(i);
    for (let i = depth; i < depth + ITEMS; i++) {
      channel.trySend(i);
      await channel.receive();
    }
  });
}

Deno.bench("batches of 64", { group: "a million items" }, async () => {
  const channel = new Channel<number>(64);
  for (let i = 0; i < ITEMS; i += 64) {
    await channel.sendAll(Array.from({ length: 64 }, (_, k) => i + k));
    for (let k = 0; k < 64; k++) await channel.receive();
  }
});

Deno.bench("remove from the middle of 10000 and send again", { group: "a million items" }, () => {
  const depth = 10_000;
  const channel = new Channel<number>(depth);
  for (let i = 0; i < depth; i++) channel.trySend(i);
  for (let i = 0; i < ITEMS; i++) {
    const item = (i * 7919) % depth;
    channel.remove(item);
    channel.trySend(item);
  }
});

/** As much of a session as an order looks at, of one of so many clients. */
function sessionOf(arrival: number, clients: number): Session {
  const [a, b] = [arrival % clients >> 8, arrival % clients & 255];
  const clientAddress = { transport: "tcp", hostname: `10.0.${a}.${b}`, port: 1 };
  return { arrival, turn: 0, clientAddress } as unknown as Session;
}

const ORDERS = {
  fifo: {},
  fair: { queueOrder: "fair" },
  "fair with classes": { queueOrder: "fair", priority: "10.0.1.0/24=0,10.0.2.0/24=3" },
};

for (const [name, options] of Object.entries(ORDERS)) {
  for (const depth of [10, 10_000]) {
    const clients = depth / 2;
    const sessions = Array.from({ length: 100_000 + depth }, (_, i) => sessionOf(i + 1, clients));
    const group = "100,000 sessions of half as many clients as wait";
    Deno.bench(`${name}, ${depth} waiting`, { group }, async () => {
      const order = {
        audienceOf,
        before: (one: Session, other: Session) => one.arrival < other.arrival,
        lanes: new QueueOrder().lanes(readSettings(options)),
      };
      const channel = new Channel<Session>(depth + 1, { order });
      for (const [i, session] of sessions.entries()) {
        channel.trySend(session);
        if (i >= depth) await channel.receive();
      }
    });
  }
}
