import { assertEquals } from "@std/assert";
import { LineWriter } from "../src/line_writer.ts";
import { wholeLines } from "../src/whole_lines.ts";

/** A sink that takes at most `most` bytes a write and can be held or broken. */
function makeSink(most = Infinity) {
  const sink = {
    text: "",
    writes: 0,
    closed: false,
    broken: false,
    gate: Promise.resolve(),
    async write(bytes: Uint8Array) {
      sink.writes++;
      await sink.gate;
      if (sink.broken) throw new Error("No space left on device");
      const part = bytes.subarray(0, most);
      sink.text += new TextDecoder().decode(part);
      return part.length;
    },
    close() {
      sink.closed = true;
    },
  };
  return sink;
}

Deno.test("lines are written together, in order, each with a line break", async () => {
  const sink = makeSink();
  const writer = new LineWriter(wholeLines(sink));
  for (const line of ["a", "b", "c"]) writer.write(line);
  assertEquals(sink.writes, 0);
  await writer.flush();
  assertEquals([sink.text, sink.writes], ["a\nb\nc\n", 1]);
  await writer.close({ patience: 1000 });
});

Deno.test("a sink that takes only a part is written again", async () => {
  const sink = makeSink(2);
  const writer = new LineWriter(wholeLines(sink));
  writer.write("abcdef");
  await writer.flush();
  assertEquals([sink.text, sink.writes], ["abcdef\n", 4]);
});

Deno.test("closing writes what is left", async () => {
  const sink = makeSink();
  const writer = new LineWriter(wholeLines(sink));
  writer.write("last");
  await writer.close({ patience: 1000 });
  assertEquals([sink.text, sink.closed], ["last\n", true]);
});

Deno.test("lines that cannot be written are lost and counted", async () => {
  const sink = makeSink();
  const writer = new LineWriter(wholeLines(sink));
  sink.broken = true;
  writer.write("lost");
  writer.write("lost");
  await writer.flush();
  sink.broken = false;
  writer.write("kept");
  await writer.flush();
  assertEquals([sink.text, writer.lost], ["kept\n", 2]);
});

Deno.test("a sink that has stopped costs a bounded amount of memory and no waiting", async () => {
  const sink = makeSink();
  const gate = Promise.withResolvers<void>();
  sink.gate = gate.promise;
  const writer = new LineWriter(wholeLines(sink));
  const line = "x".repeat(1024 * 1024);
  for (let i = 0; i < 20; i++) writer.write(line);
  assertEquals(writer.lost > 0, true);
  await writer.close({ patience: 10 });
  assertEquals(sink.closed, true);
  gate.resolve();
  await writer.flush();
});
