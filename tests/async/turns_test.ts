import { assertEquals, assertRejects } from "@std/assert";
import { Turns } from "../../src/async/turns.ts";

/** Takes turns of which each ends when it is told to. */
function taking(turns: Turns) {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const take = (name: string, signal?: AbortSignal) => {
    return turns.take(() => {
      begun.push(name);
      return new Promise<void>((resolve) => ends.set(name, resolve));
    }, signal ? { signal } : {});
  };
  return { begun, take, end: (name: string) => ends.get(name)!() };
}

Deno.test("so many have a turn at a time, in the order in which they came", async () => {
  const { begun, take, end } = taking(new Turns(2));
  const all = ["a", "b", "c", "d"].map((name) => take(name));
  assertEquals(begun, ["a", "b"]);
  end("b");
  await all[1];
  assertEquals(begun, ["a", "b", "c"]);
  for (const name of ["a", "c"]) end(name);
  await Promise.all([all[0], all[2]]);
  end("d");
  await Promise.all(all);
});

Deno.test("who gives up waiting leaves, and the next one has the turn", async () => {
  const { begun, take, end } = taking(new Turns(1));
  const leaving = new AbortController();
  const first = take("a");
  const second = take("b", leaving.signal);
  const third = take("c");
  leaving.abort(new Error("gone"));
  await assertRejects(() => second, Error, "gone");
  await assertRejects(() => take("d", leaving.signal), Error, "gone");
  end("a");
  await first;
  assertEquals(begun, ["a", "c"]);
  end("c");
  await third;
});

Deno.test("how many may have a turn can change", async () => {
  let most = 2;
  const { begun, take, end } = taking(new Turns(() => most));
  const all = ["a", "b", "c", "d", "e"].map((name) => take(name));
  most = 1;
  end("a");
  await all[0];
  assertEquals(begun, ["a", "b"]);
  most = 3;
  end("b");
  await all[1];
  assertEquals(begun, ["a", "b", "c", "d", "e"]);
  for (const name of ["c", "d", "e"]) end(name);
  await Promise.all(all);
});

Deno.test("a turn that fails is over", async () => {
  const turns = new Turns(1);
  for (let i = 0; i < 2; i++) {
    await assertRejects(() => turns.take(() => Promise.reject(new Error("bad"))), Error, "bad");
  }
  assertEquals(await turns.take(() => Promise.resolve(1)), 1);
});
