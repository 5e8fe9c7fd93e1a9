import { assertEquals } from "@std/assert";
import { pipe } from "../../src/net/pipe.ts";
import { LineInput } from "../../src/services/line_input.ts";
import { writeAll } from "../../src/net/write_all.ts";
import { fc } from "../support/properties.ts";

/** The lines that a text is read as, sent in pieces of so many bytes. */
async function linesOf(text: string, { most, piece }: { most: number; piece: number }) {
  const { near, far } = pipe();
  const bytes = new TextEncoder().encode(text);
  async function write(): Promise<void> {
    for (let at = 0; at < bytes.length; at += piece) {
      await writeAll(near, bytes.subarray(at, at + piece));
    }
    await near.closeWrite();
  }
  const writing = write();
  const input = new LineInput(far, most);
  const lines: { text: string; cut: boolean }[] = [];
  for (let line = await input.line(); line; line = await input.line()) {
    lines.push({ text: new TextDecoder().decode(line.bytes), cut: line.cut });
  }
  await writing;
  return lines;
}

Deno.test("lines are what is between line breaks, cut where they are too long", async () => {
  const letters = fc.constantFrom("a", "b", "\n", "\r\n", "cdefghijklmn");
  const text = fc.array(letters, { maxLength: 40 }).map((parts) => parts.join(""));
  await fc.assert(
    fc.asyncProperty(
      text,
      fc.integer({ min: 1, max: 30 }),
      fc.integer({ min: 1, max: 50 }),
      async (text, most, piece) => {
        const expected = text.split(/\r?\n/);
        if (expected.at(-1) === "") expected.pop();
        assertEquals(
          await linesOf(text, { most, piece }),
          expected.map((line) => ({ text: line.slice(0, most), cut: line.length > most })),
        );
      },
    ),
    { numRuns: 300 },
  );
});

Deno.test("so many bytes are read whatever is in them, kept as far as a line may be long", async () => {
  const { near, far } = pipe();
  const writing = writeAll(near, new TextEncoder().encode("a\nb\ncdefghij!k\n"));
  const input = new LineInput(far, 4);
  const text = (line: { bytes: Uint8Array } | undefined) => new TextDecoder().decode(line!.bytes);
  assertEquals(text(await input.exactly(3)), "a\nb");
  assertEquals(await input.peek(3), new TextEncoder().encode("\ncd"));
  assertEquals(text(await input.line()), "");
  const long = await input.exactly(9);
  assertEquals([text(long), long!.cut], ["cdef", true]);
  assertEquals(text(await input.line()), "k");
  await writing;
  await near.closeWrite();
  assertEquals([(await input.peek(1)).length, await input.line()], [0, undefined]);
});
