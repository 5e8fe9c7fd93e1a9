import { assert, assertEquals } from "@std/assert";
import { ErrorLines } from "../../src/net/error_lines.ts";
import { until } from "../support/servers.ts";

/** A stream of such pieces, which does not end by itself if that is not wanted. */
function streamOf(
  pieces: readonly (string | Uint8Array)[],
  { ends = true } = {},
): ReadableStream<Uint8Array> {
  const all = pieces.map((piece) => {
    return typeof piece === "string" ? new TextEncoder().encode(piece) : piece;
  });
  return new ReadableStream({
    type: "bytes",
    start(controller) {
      for (const piece of all) controller.enqueue(piece.slice());
      if (ends) controller.close();
    },
  });
}

async function linesOf(...pieces: (string | Uint8Array)[]): Promise<string[]> {
  const lines: string[] = [];
  await new ErrorLines(streamOf(pieces), (line) => void lines.push(line)).over;
  return lines;
}

Deno.test("lines are told as they end, and the last one at the end", async () => {
  assertEquals(await linesOf("one\ntw", "o\r\n\n \nthree"), ["one", "two", "three"]);
  assertEquals(await linesOf(), []);
});

Deno.test("characters and lines may come in any pieces", async () => {
  const text = "höher\n€ 😀 weiter\n";
  const pieces = [...new TextEncoder().encode(text)].map((byte) => Uint8Array.of(byte));
  assertEquals(await linesOf(...pieces), text.trim().split("\n"));
});

Deno.test("a line without end is told in parts, and nothing piles up", async () => {
  const lines = await linesOf(...Array.from({ length: 50 }, () => "x".repeat(1000)), "\nend");
  assertEquals(lines.pop(), "end");
  assertEquals(lines.join(""), "x".repeat(50_000));
  assertEquals(Math.max(...lines.map(({ length }) => length)), 1000);
});

Deno.test("one that nobody ends can be left alone", async () => {
  const lines: string[] = [];
  const stream = streamOf(["one\ntwo"], { ends: false });
  const errors = new ErrorLines(stream, (line) => {
    lines.push(line);
    errors.leave();
  });
  await errors.over;
  assertEquals(lines, ["one", "two"]);
});

Deno.test("one that writes without end is made to wait, and what it leaves comes at once", async () => {
  let read = 0;
  let waiting = false;
  const flood = new ReadableStream<Uint8Array>({
    type: "bytes",
    async pull(controller) {
      waiting = true;
      await new Promise((resolve) => setTimeout(resolve, 0));
      waiting = false;
      const piece = new Uint8Array(4096).fill(10);
      read += piece.length;
      controller.enqueue(piece);
    },
  });
  const errors = new ErrorLines(flood, () => {});
  await until(() => read >= 256 * 1024, "a second's worth is read");
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 0));
  assert(read < 270 * 1024, `${read}`);
  errors.hasten();
  await until(() => read > 600 * 1024, "nothing waits any more");
  errors.leave();
  await errors.over;
  await until(() => !waiting, "nobody asks for more");
});
