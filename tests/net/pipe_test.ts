import { assertEquals, assertRejects } from "@std/assert";
import { Conduit } from "../../src/net/conduit.ts";
import { pipe, PipeEnd } from "../../src/net/pipe.ts";
import { writeAll } from "../../src/net/write_all.ts";
import { fc } from "../support/properties.ts";
import { randomBytes } from "../support/servers.ts";

Deno.test("a write waits until somebody reads, and takes no more than that one does", async () => {
  const { near, far } = pipe();
  let written = false;
  const writing = near.write(new Uint8Array([1, 2, 3])).then((number) => {
    written = true;
    return number;
  });
  await Promise.resolve();
  assertEquals(written, false);
  const buffer = new Uint8Array(2);
  assertEquals([await far.read(buffer), await writing, [...buffer]], [2, 2, [1, 2]]);
});

Deno.test("whatever the sizes of reads and writes, the bytes are the same", async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(sizes, sizes, async (writes, reads) => {
      const { near, far } = pipe();
      const bytes = randomBytes(writes.reduce((sum, size) => sum + size, 0));
      async function writeThem(): Promise<void> {
        let at = 0;
        for (const size of writes) await writeAll(near, bytes.subarray(at, at += size));
        await near.closeWrite();
      }
      async function readThem(): Promise<number[]> {
        const got: number[] = [];
        for (let i = 0;; i++) {
          const buffer = new Uint8Array(reads[i % reads.length]!);
          const number = await far.read(buffer);
          if (number === 0) return got;
          got.push(...buffer.subarray(0, number));
        }
      }
      const [, got] = await Promise.all([writeThem(), readThem()]);
      assertEquals(got, [...bytes]);
    }),
    { numRuns: 30 },
  );
});

Deno.test("who closes ends what waits at both ends", async () => {
  for (const closes of ["near", "far"] as const) {
    const ends = pipe();
    const [own, other] = closes === "near" ? [ends.near, ends.far] : [ends.far, ends.near];
    const otherWrite = other.write(new Uint8Array(1));
    const otherRead = other.read(new Uint8Array(1));
    own.close();
    own.close();
    await assertRejects(() => otherWrite, Deno.errors.BrokenPipe);
    assertEquals(await otherRead, 0);
    await assertRejects(() => own.read(new Uint8Array(1)), Deno.errors.BadResource);
    await assertRejects(() => own.write(new Uint8Array(1)), Deno.errors.BadResource);
    await assertRejects(() => other.write(new Uint8Array(1)), Deno.errors.BrokenPipe);
  }
  const { near } = pipe();
  const waiting = [near.read(new Uint8Array(1)), near.write(new Uint8Array(1))];
  near.close();
  for (const one of waiting) await assertRejects(() => one, Error);
});

Deno.test("what was written before the end is read before it", async () => {
  const { near, far } = pipe();
  const writing = near.write(new Uint8Array([7]));
  const buffer = new Uint8Array(9);
  assertEquals([await far.read(buffer), await writing], [1, 1]);
  await near.closeWrite();
  assertEquals(await far.read(buffer), 0);
  await assertRejects(() => near.write(new Uint8Array(1)), Deno.errors.BrokenPipe);
});

Deno.test("both directions may be one: what is written is what is read", async () => {
  const both = new Conduit();
  const end = new PipeEnd(both, both);
  const buffer = new Uint8Array(3);
  const [written, read] = await Promise.all([end.write(new Uint8Array([1, 2])), end.read(buffer)]);
  assertEquals([written, read, [...buffer]], [2, 2, [1, 2, 0]]);
  await end.closeWrite();
  assertEquals(await end.read(buffer), 0);
});
