import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { PrefacedStream } from "../../src/net/prefaced_stream.ts";
import { attach, noteOf } from "../../src/net/trails.ts";
import { RecordingStream } from "../support/recording_stream.ts";

const encoder = new TextEncoder();

Deno.test("what stands before goes in one write with the first bytes, and only with them", async () => {
  const inner = new RecordingStream();
  const stream = new PrefacedStream(inner, encoder.encode("HEAD "));
  assertEquals(await stream.write(encoder.encode("first")), 5);
  assertEquals(await stream.write(encoder.encode("second")), 6);
  await stream.closeWrite();
  assertEquals(inner.calls, ["HEAD first", "second", "(closeWrite)"]);
});

for (const most of [1, 3, 5, 6, 7]) {
  Deno.test(`a stream that takes ${most} bytes at a time gets everything, in order`, async () => {
    const inner = new RecordingStream(most);
    const stream = new PrefacedStream(inner, encoder.encode("HEAD "));
    for (let bytes = encoder.encode("payload"); bytes.length > 0;) {
      const sent = await stream.write(bytes);
      assertEquals(sent >= 1 && sent <= bytes.length, true, `${sent} of ${bytes.length}`);
      bytes = bytes.subarray(sent);
    }
    assertEquals(inner.calls.join(""), "HEAD payload");
  });
}

Deno.test("an end without a byte comes after what stands before", async () => {
  const inner = new RecordingStream(2);
  const stream = new PrefacedStream(inner, encoder.encode("HEAD"));
  await stream.closeWrite();
  assertEquals(inner.calls, ["HE", "AD", "(closeWrite)"]);
});

Deno.test("a first write that fails fails, and the rest is passed on", async () => {
  const inner = new RecordingStream();
  const stream = new PrefacedStream(inner, encoder.encode("HEAD"));
  inner.failure = new Error("reset");
  await assertRejects(() => stream.write(encoder.encode("x")), Error, "reset");
  await stream.read(new Uint8Array(1));
  stream.sendPromptly();
  stream.tuneForLongLife({ keepAlive: true });
  stream.close();
  assertEquals(inner.calls, ["(read)", "(sendPromptly)", "(tuneForLongLife)", "(close)"]);
  assertEquals(stream.localAddress, inner.localAddress);
  assertEquals(stream.remoteAddress, inner.remoteAddress);
});

Deno.test("the note of its way is that of the inner stream, and is forgotten with it", () => {
  const inner = new RecordingStream();
  let forgotten = 0;
  const note = { looped: false, forget: () => void forgotten++ };
  attach(inner, note);
  const stream = new PrefacedStream(inner, encoder.encode("HEAD"));
  assertStrictEquals(noteOf(stream), note);
  stream.close();
  assertEquals(forgotten, 1);
});
