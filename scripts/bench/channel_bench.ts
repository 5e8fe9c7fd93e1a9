// What one item costs in the channel: `deno task bench`. Each run moves ITEMS of them.
import { Channel } from "../../src/async/channel.ts";

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
