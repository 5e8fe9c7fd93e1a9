import { assertEquals, assertRejects } from "@std/assert";
import { answerLength, Checker, CheckingServer, message, WrongBytes } from "./checked.ts";
import { socketPair, writeAll } from "./servers.ts";

/** What the checking server says to what is sent to it. */
async function wrongs(...sessions: Uint8Array[][]): Promise<string[]> {
  await using server = new CheckingServer();
  for (const parts of sessions) {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    const sent = (async () => {
      for (const part of parts) await writeAll(conn, part);
      await conn.closeWrite();
    })();
    const buffer = new Uint8Array(64 * 1024);
    const read = (async () => {
      while (await conn.read(buffer) !== null);
    })();
    await Promise.all([sent, read].map((part) => part.catch(() => {})));
  }
  return server.wrong;
}

const of = (id: number, number: number, length = 200_000) => message({ id, number, length }, 1);

Deno.test("a checking server finds nothing in what is right, also in the beginning of it", async () => {
  assertEquals(await wrongs([of(1, 0), of(1, 1)], [of(2, 0, 0)], [of(3, 0).subarray(0, 5000)]), []);
});

Deno.test("a checking server finds bytes that are lost, twice, others, or another's", async () => {
  const whole = of(1, 0);
  const cases = [
    [whole.subarray(0, 100_000), whole.subarray(100_001), new Uint8Array(1)],
    [whole.subarray(0, 5000), whole.subarray(4999)],
    [whole.map((byte, at) => at === 150_000 ? byte ^ 1 : byte)],
    [whole.subarray(0, 100_000), of(2, 0).subarray(100_000)],
    [whole.subarray(0, 100_000), of(1, 1).subarray(100_000)],
    [whole, of(2, 1)],
    [whole, of(1, 2)],
    [whole, whole],
  ];
  for (const [i, parts] of cases.entries()) {
    assertEquals((await wrongs(parts)).length > 0, true, `case ${i}`);
  }
  assertEquals((await wrongs([whole], [whole])).length, 1, "the same session twice");
});

Deno.test("an answer is of another length, and no echo passes for one", async () => {
  const { near, far } = await socketPair();
  const question = of(1, 0, 100);
  await writeAll(far, message({ id: 1, number: 0, length: answerLength(100) }, 2));
  const checker = new Checker(near, 2);
  assertEquals(await checker.next(), { id: 1, number: 0, length: answerLength(100) });
  await writeAll(far, question);
  await assertRejects(() => checker.next(), WrongBytes);
  near.close();
  far.close();
});
