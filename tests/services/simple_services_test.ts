import { assert, assertEquals, assertMatch } from "@std/assert";
import { getLogger } from "@logtape/logtape";
import { chargen } from "../../src/services/chargen.ts";
import { daytime, daytimeText, time, timeBytes } from "../../src/services/clock.ts";
import { discard } from "../../src/services/discard.ts";
import { echo } from "../../src/services/echo.ts";
import { SILENT } from "../../src/services/service.ts";
import { writeAll } from "../../src/net/write_all.ts";
import { randomBytes } from "../support/servers.ts";
import { StreamClient } from "../support/stream_client.ts";

const client = { name: "127.0.0.1:1" };
const context = { ...SILENT, log: getLogger(["test", "quiet"]) };

Deno.test("echo sends back what it gets, then the end", async () => {
  const stream = echo().connect(client);
  const bytes = randomBytes(100_000);
  const got: number[] = [];
  async function read(): Promise<void> {
    const buffer = new Uint8Array(777);
    for (let n = await stream.read(buffer); n > 0; n = await stream.read(buffer)) {
      got.push(...buffer.subarray(0, n));
    }
  }
  await Promise.all([writeAll(stream, bytes).then(() => stream.closeWrite()), read()]);
  assertEquals(got, [...bytes]);
  stream.close();
});

Deno.test("discard takes everything at once and ends when its client has", async () => {
  const stream = discard().connect(client);
  let ended = false;
  const reading = stream.read(new Uint8Array(1)).then((number) => {
    ended = true;
    return number;
  });
  for (let i = 0; i < 1000; i++) assertEquals(await stream.write(new Uint8Array(65_536)), 65_536);
  assert(!ended);
  await stream.closeWrite();
  assertEquals(await reading, 0);
  stream.close();
});

Deno.test("chargen sends the lines of RFC 864, whatever the buffers, and ends when it is to", async () => {
  const service = chargen();
  const stream = service.connect(client);
  const decoder = new TextDecoder();
  let text = "";
  while (text.length < 30_000) {
    const buffer = new Uint8Array(1 + Math.floor(Math.random() * 5000));
    text += decoder.decode(buffer.subarray(0, await stream.read(buffer)));
  }
  const all = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join("");
  for (const [i, line] of text.split("\r\n").slice(0, -1).entries()) {
    assertEquals(line, (all + all).slice(i % 95, i % 95 + 72));
  }
  service.finish!(true);
  assertEquals(await stream.read(new Uint8Array(10)), 0);
  stream.close();
});

Deno.test("daytime says the time once and ignores what it gets", async () => {
  assertEquals(
    daytimeText(new Date("2026-11-26T07:05:09Z")),
    "Thursday, November 26, 2026 07:05:09-UTC\r\n",
  );
  const peer = new StreamClient(daytime(context).connect(client));
  await peer.send("what time is it?\n");
  assertMatch(await peer.all(), /^[A-Z][a-z]+day, [A-Z][a-z]+ \d+, \d{4} [\d:]{8}-UTC\r\n$/);
  await peer.end();
  peer.close();
});

Deno.test("time says the seconds since 1900 in four bytes, which begin anew in 2036", async () => {
  // The example of RFC 868: 1980-01-01 is 2,524,521,600.
  const of = (bytes: Uint8Array) => new DataView(bytes.buffer).getUint32(0);
  assertEquals(of(timeBytes(Date.UTC(1980, 0, 1))), 2_524_521_600);
  assertEquals(of(timeBytes(Date.UTC(2036, 1, 7, 6, 28, 16))), 0);
  const stream = time(context).connect(client);
  const buffer = new Uint8Array(10);
  assertEquals(await stream.read(buffer), 4);
  assertEquals(await stream.read(buffer), 0);
  assert(Math.abs(of(timeBytes(Date.now())) - of(buffer)) < 60);
  stream.close();
});
