import { assertEquals } from "@std/assert";
import { deadline } from "@std/async/deadline";
import { AwayError } from "../../src/base/byte_sink.ts";
import { LineWriter } from "../../src/logging/line_writer.ts";
import { wholeLines } from "../../src/base/whole_lines.ts";
import { until } from "../support/servers.ts";

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

Deno.test("lines are written that come while the end of those before is awaited", async () => {
  const sink = makeSink();
  const settling = Promise.withResolvers<void>();
  let settles = 0;
  const writer = new LineWriter({
    write: sink.write,
    finishLine: () => settles++ === 0 ? settling.promise : Promise.resolve(),
  });
  const [first, second] = ["a", "b"].map((letter) => letter.repeat(1_000_000));
  writer.write(first!);
  await until(() => settles === 1, "the first line is written");
  writer.write(second!);
  settling.resolve();
  await until(() => sink.text === `${first}\n${second}\n`, "the second line is written");
  await writer.close({ patience: 1000 });
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

Deno.test("of a sink that would block nothing is lost, and it goes on when it works", async () => {
  const sink = makeSink();
  let blocked = true;
  const writer = new LineWriter(wholeLines({
    write: (bytes) =>
      blocked ? Promise.reject(new Deno.errors.WouldBlock("EAGAIN")) : sink.write(bytes),
  }));
  writer.write("a");
  const flushed = writer.flush();
  writer.write("b");
  blocked = false;
  await flushed;
  await writer.flush();
  assertEquals([sink.text, writer.lost], ["a\nb\n", 0]);
});

/** A file of so many bytes, which can grow; what is beyond is refused after a part was written. */
function makeDisk(room: number, options: { canTakeBack: boolean }) {
  const disk = {
    text: "",
    room,
    write(bytes: Uint8Array) {
      const part = bytes.subarray(0, disk.room - disk.text.length);
      disk.text += new TextDecoder().decode(part);
      if (part.length === 0) return Promise.reject(new Error("No space left on device"));
      return Promise.resolve(part.length);
    },
    takeBack(bytes: number) {
      if (options.canTakeBack) disk.text = disk.text.slice(0, -bytes);
      return options.canTakeBack;
    },
  };
  return disk;
}

Deno.test("a line that has no room is taken back, and counts as lost with those after it", async () => {
  const disk = makeDisk(10, { canTakeBack: true });
  const told: [number, string][] = [];
  const writer = new LineWriter(wholeLines(disk), {
    onLoss: (lines, error) => told.push([lines, (error as Error).message]),
  });
  writer.write("abc\nabc");
  writer.write("abcd");
  writer.write("abc");
  await writer.flush();
  assertEquals(disk.text, "abc\nabc\n");
  disk.room = 100;
  writer.write("abc");
  await writer.close({ patience: 1000 });
  assertEquals([disk.text, writer.lost], ["abc\nabc\nabc\n", 2]);
  assertEquals(told, [[2, "No space left on device"]]);
});

Deno.test("where nothing can be taken back a torn line is finished before anything else", async () => {
  const disk = makeDisk(6, { canTakeBack: false });
  const sink = wholeLines(disk);
  // Two writers share it: neither comes between.
  const [one, other] = [new LineWriter(sink), new LineWriter(sink)];
  one.write("abc\nabcd");
  one.write("lost");
  await one.flush();
  assertEquals([disk.text, one.lost], ["abc\nab", 1]);
  other.write("lost");
  await other.flush();
  disk.room = 100;
  other.write("xyz");
  await other.flush();
  assertEquals([disk.text, other.lost], ["abc\nabcd\nxyz\n", 1]);
  await Promise.all([one.close({ patience: 1 }), other.close({ patience: 1 })]);
});

Deno.test("a torn line is finished by itself, also if nobody writes any more", async () => {
  const disk = makeDisk(2, { canTakeBack: false });
  const writer = new LineWriter(wholeLines(disk));
  writer.write("abcd");
  await writer.flush();
  assertEquals(disk.text, "ab");
  disk.room = 100;
  await until(() => disk.text === "abcd\n", "the line is whole");
  await writer.close({ patience: 1000 });
});

Deno.test("pieces end with a line where they can, and never exceed the most", async () => {
  const pieces: string[] = [];
  const sink = wholeLines({
    most: 6,
    write(bytes) {
      pieces.push(new TextDecoder().decode(bytes));
      return Promise.resolve(bytes.length);
    },
  });
  const writer = new LineWriter(sink);
  writer.write("ab\ncd\nef\n123456789\ngh");
  await writer.close({ patience: 1000 });
  assertEquals(pieces, ["ab\ncd\n", "ef\n", "123456", "789\n", "gh\n"]);
});

Deno.test("closing does not wait for somebody who is away, and counts every line once", async () => {
  const writer = new LineWriter({ write: () => Promise.reject(new AwayError("nobody")) });
  for (const line of ["a", "b\nc"]) writer.write(line);
  const flushed = writer.flush();
  writer.write("d");
  await deadline(writer.close({ patience: 60_000 }), 5000);
  await flushed;
  assertEquals(writer.lost, 4);
});
