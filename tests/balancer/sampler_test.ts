import { assertEquals } from "@std/assert";
import { TestBalancer } from "../support/balancer.ts";
import { answer, request, TestServer, until } from "../support/servers.ts";

Deno.test("a sample has what has happened since the one before", async () => {
  await using server = new TestServer(answer("served"));
  await using front = await TestBalancer.start([
    `${server.address},name=db1`,
    "127.0.0.1:1,backup",
  ]);
  const { balancer } = front;
  assertEquals(balancer.sample(2).destinations.map(({ name }) => name), ["db1", "127.0.0.1:1"]);
  for (let i = 0; i < 3; i++) assertEquals(await request(front.port, "hello"), "served");
  await until(() => front.status.ended.done === 3, "all have ended");
  const { accepted, ended, bytes_up, bytes_down, queue, destinations } = balancer.sample(2);
  assertEquals([accepted, ended, bytes_up, bytes_down], [3, { done: 3 }, 15, 18]);
  assertEquals(total(queue), 3);
  const [one] = destinations;
  assertEquals([one!.sessions, one!.bytes_up, one!.bytes_down, total(one!.session)], [
    3,
    15,
    18,
    3,
  ]);
  const next = balancer.sample(2);
  assertEquals([next.accepted, next.ended, next.bytes_up, next.queue], [0, {}, 0, []]);
  assertEquals([next.destinations[0]!.sessions, next.destinations[0]!.session], [0, []]);
});

Deno.test("what a destination did while nobody looked at it is not told as of now", async () => {
  await using server = new TestServer(answer("served"));
  await using front = await TestBalancer.start([
    `${server.address},name=db1`,
    "127.0.0.1:1,backup",
  ]);
  const { balancer } = front;
  assertEquals(balancer.sample(0).destinations, []);
  assertEquals(await request(front.port, "hello"), "served");
  await until(() => front.status.ended.done === 1, "it has ended");
  const [one] = balancer.sample(2).destinations;
  assertEquals([one!.sessions, one!.bytes_up, one!.session], [0, 0, []]);
  assertEquals(await request(front.port, "hello"), "served");
  await until(() => front.status.ended.done === 2, "the second has ended");
  assertEquals(balancer.sample(2).destinations[0]!.sessions, 1);
});

/** The number of values in fine buckets. */
function total(fine: readonly number[]): number {
  return fine.reduce((sum, number, i) => i % 2 === 1 ? sum + number : sum, 0);
}
