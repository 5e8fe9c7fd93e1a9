import { assertEquals } from "@std/assert";
import { isPending } from "../../src/async/is_pending.ts";

Deno.test("what is over at once is told from what has to wait", async () => {
  const wrapped = async () => await (async () => await Promise.resolve(1))();
  assertEquals(await isPending(wrapped()), false);
  assertEquals(await isPending(Promise.reject(new Error("over"))), false);
  const { promise, resolve } = Promise.withResolvers<void>();
  assertEquals(await isPending(promise), true);
  resolve();
  assertEquals(await isPending(promise), false);
});
