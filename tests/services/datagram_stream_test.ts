import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { getLogger } from "@logtape/logtape";
import { chargen } from "../../src/services/chargen.ts";
import { daytime, time } from "../../src/services/clock.ts";
import { DatagramStream } from "../../src/services/datagram_stream.ts";
import { discard } from "../../src/services/discard.ts";
import { echo } from "../../src/services/echo.ts";
import { SILENT } from "../../src/services/service.ts";
import { syslog } from "../../src/services/syslog.ts";

const client = { name: "192.0.2.1:5000", port: 5000 };
const context = { ...SILENT, log: getLogger(["test", "quiet"]) };
const bytesOf = (text: string) => new TextEncoder().encode(text);

async function read(stream: Pick<DatagramStream, "read">): Promise<string> {
  const buffer = new Uint8Array(65_536);
  return new TextDecoder().decode(buffer.subarray(0, await stream.read(buffer)));
}

Deno.test("each datagram is answered by one, whoever waits for whom, empty ones too", async () => {
  const stream = echo().exchange!(client);
  for (const text of ["a", "", "b".repeat(60_000)]) {
    const reading = read(stream);
    assertEquals(await stream.write(bytesOf(text)), text.length);
    assertEquals(await reading, text);
    await stream.write(bytesOf(text));
    assertEquals(await read(stream), text);
  }
  stream.close();
});

Deno.test("one answer is kept; who sends more waits until it was read, or the end", async () => {
  const stream = echo().exchange!(client);
  const buffer = bytesOf("1");
  await stream.write(buffer);
  buffer[0] = 0x21;
  let written = false;
  const writing = stream.write(bytesOf("2")).then(() => written = true);
  await new Promise((resolve) => setTimeout(resolve));
  assert(!written);
  // It is what was sent, whatever became of the buffer.
  assertEquals(await read(stream), "1");
  await writing;
  assertEquals(await read(stream), "2");
  await stream.write(bytesOf("3"));
  const late = stream.write(bytesOf("4"));
  stream.close();
  await assertRejects(() => late, Deno.errors.BadResource);
  await assertRejects(() => read(stream), Deno.errors.BadResource);
  await assertRejects(() => stream.write(buffer), Deno.errors.BadResource);
});

Deno.test("services answer a datagram as their RFCs have it", async () => {
  const lengths = new Set<number>();
  const characters = chargen().exchange!(client);
  for (let i = 0; i < 50; i++) {
    await characters.write(bytesOf("x"));
    const text = await read(characters);
    assertMatch(text, /^[\x20-\x7e\r\n]*$/);
    assert(text.length <= 512);
    lengths.add(text.length);
  }
  assert(lengths.size > 10);
  const day = daytime(context).exchange!(client);
  await day.write(bytesOf(""));
  assertMatch(await read(day), /-UTC\r\n$/);
  const seconds = time(context).exchange!(client);
  await seconds.write(bytesOf(""));
  assertEquals(await seconds.read(new Uint8Array(10)), 4);
  const nothing = discard().exchange!(client);
  for (let i = 0; i < 100; i++) await nothing.write(bytesOf("x"));
  for (const stream of [characters, day, seconds, nothing]) stream.close();
});

Deno.test("a datagram is a syslog message, with or without the end of a line", async () => {
  const lines: string[] = [];
  const show = (line: string) => Promise.resolve(void lines.push(line.replace(/^\S+ /, "")));
  const stream = syslog(() => [], { ...context, show }).exchange!(client);
  for (const text of ["<14>one", "<14>two\n", "", `<14>${"x".repeat(9000)}`]) {
    await stream.write(bytesOf(text));
  }
  assertEquals(lines.slice(0, 2), [
    "192.0.2.1:5000 user.info one",
    "192.0.2.1:5000 user.info two",
  ]);
  assertEquals([lines.length, lines[2]!.at(-1)], [3, "…"]);
  stream.close();
});

Deno.test("services that answer everything are not answered", async () => {
  for (const port of [7, 13, 19, 37]) {
    const stream = echo().exchange!({ name: `192.0.2.1:${port}`, port });
    for (let i = 0; i < 3; i++) await stream.write(bytesOf("x"));
    const reading = assertRejects(() => read(stream), Deno.errors.BadResource);
    stream.close();
    await reading;
  }
});
