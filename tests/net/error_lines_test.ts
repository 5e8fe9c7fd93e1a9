import { assertEquals } from "@std/assert";
import { ErrorLines } from "../../src/net/error_lines.ts";

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
  await new ErrorLines(streamOf(pieces), { tell: (line) => void lines.push(line) }).over;
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
  const errors = new ErrorLines(stream, {
    tell(line) {
      lines.push(line);
      errors.leave();
    },
  });
  await errors.over;
  assertEquals(lines, ["one", "two"]);
});

Deno.test("nothing is read in a pause, which ends when it is left alone", async () => {
  const asked = Promise.withResolvers<number>();
  const lines: string[] = [];
  const errors = new ErrorLines(streamOf(["one".padEnd(4096, "\n"), "two\n"]), {
    tell: (line) => void lines.push(line),
    pauseAfter(bytes) {
      asked.resolve(bytes);
      return 3_600_000;
    },
  });
  assertEquals(await asked.promise, 4096);
  errors.leave();
  await errors.over;
  assertEquals(lines, ["one"]);
});
