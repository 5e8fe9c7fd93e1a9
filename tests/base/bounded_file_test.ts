import { assert, assertEquals, assertGreater, assertRejects, assertThrows } from "@std/assert";
import {
  FileError,
  readBounded,
  readBoundedSync,
  readStream,
} from "../../src/base/bounded_file.ts";
import { sleep } from "../../src/base/timer.ts";
import { TestFile } from "../support/config_file.ts";

Deno.test("a file is read up to its limit and not beyond", async () => {
  using file = new TestFile("0123456789");
  const text = new TextDecoder();
  assertEquals(text.decode(await readBounded(file.path, { limit: 10 })), "0123456789");
  assertEquals(text.decode(readBoundedSync(file.path, 10)), "0123456789");
  const problem = "it has 10 bytes; must be at most 9";
  await assertRejects(() => readBounded(file.path, { limit: 9 }), FileError, problem);
  assertThrows(() => readBoundedSync(file.path, 9), FileError, problem);
  file.write("");
  assertEquals((await readBounded(file.path, { limit: 9 })).length, 0);
  assertEquals(readBoundedSync(file.path, 9).length, 0);
});

Deno.test("a stream that says nothing of its length is read up to the limit", async () => {
  let read = 0;
  const endless = { read: (bytes: Uint8Array) => Promise.resolve((read++, bytes.length)) };
  await assertRejects(() => readStream(endless, 1 << 20), FileError, "more than 1048576 bytes");
  assertEquals(read, 17);
});

Deno.test("a file that is written little by little is read once it is left alone", async () => {
  using file = new TestFile("");
  const lines = Array.from({ length: 40 }, (_, i) => `line ${i}\n`);
  const writing = (async () => {
    for (const line of lines) {
      await Deno.writeTextFile(file.path, line, { append: true });
      await sleep(5);
    }
  })();
  const bytes = await readBounded(file.path, { limit: 10_000, rest: 50 });
  assertEquals(new TextDecoder().decode(bytes), lines.join(""));
  await writing;
});

Deno.test("a file that never comes to rest is given up", async () => {
  using file = new TestFile("");
  let writing = true;
  let written = 0;
  const writer = (async () => {
    while (writing) {
      Deno.writeTextFileSync(file.path, `${written++}`.repeat(1 + written % 7));
      await sleep(1);
    }
  })();
  try {
    const begin = performance.now();
    const reading = () => readBounded(file.path, { limit: 10_000, rest: 200 });
    await assertRejects(reading, FileError, "it changes all the time while it is read");
    assert(performance.now() - begin < 10_000);
  } finally {
    writing = false;
    await writer;
  }
  assertGreater(written, 10);
});
