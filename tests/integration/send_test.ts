import { assertEquals, assertMatch } from "@std/assert";
import { Program, runProgram } from "../support/program.ts";
import { freePort, TestServer, writeAll } from "../support/servers.ts";

const BINARY = Deno.env.get("IAWLB_BINARY");
const MAIN = new URL("../../main.ts", import.meta.url).pathname;

Deno.test("each message is sent and each answer printed with its length", async () => {
  await using echo = await Program.spawn(["serve", "echo", `127.0.0.1:${freePort()}`]);
  const { code, stdout } = await runProgram(["send", `127.0.0.1:${echo.port}`, "hello", "a b", ""]);
  assertEquals([code, stdout], [0, "6 bytes: hello\n4 bytes: a b\n1 byte: \n"]);
});

Deno.test("an answer that does not end in a line is what has come, made harmless", async () => {
  await using server = new TestServer(async (conn) => {
    await conn.read(new Uint8Array(10));
    await writeAll(conn, new TextEncoder().encode("\x1b[2Jabc"));
    await conn.read(new Uint8Array(10));
  });
  const { code, stdout } = await runProgram(["send", server.address, "x"]);
  assertEquals([code, stdout], [0, "7 bytes: ?[2Jabc\n"]);
});

Deno.test("an answer that does not come is said, with exit status 1", async () => {
  await using discard = await Program.spawn(["serve", "discard", `127.0.0.1:${freePort()}`]);
  const to = `127.0.0.1:${discard.port}`;
  const late = await runProgram(["send", "--timeout", "100ms", to, "x", "y"]);
  assertEquals([late.code, late.stdout], [1, "no answer within 100 ms\n"]);
  const nobody = await runProgram(["send", `127.0.0.1:${freePort()}`, "x"]);
  assertEquals(nobody.code, 1);
  assertMatch(nobody.stderr, /^iawlb: cannot connect: 127\.0\.0\.1:\d+: Connection refused/);
});

Deno.test("without messages it is a plain client that finishes with its input", async () => {
  await using echo = await Program.spawn(["serve", "echo", `127.0.0.1:${freePort()}`]);
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  const line = BINARY ? [BINARY] : [Deno.execPath(), "run", "--quiet", "-P", MAIN];
  const child = new Deno.Command(line[0]!, {
    args: [...line.slice(1), "send", `127.0.0.1:${echo.port}`],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const output = child.output();
  const writer = child.stdin.getWriter();
  await writer.write(bytes);
  await writer.close();
  const { code, stdout } = await output;
  assertEquals([code, stdout], [0, bytes]);
});

Deno.test("over UDP a message and its answer are a datagram each", async () => {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const { port } = socket.addr as Deno.NetAddr;
  async function answerTwice(): Promise<void> {
    for (let i = 0; i < 2; i++) {
      const [bytes, from] = await socket.receive();
      await socket.send(new Uint8Array([...bytes, ...bytes]), from);
    }
  }
  const answering = answerTwice();
  const { code, stdout } = await runProgram(["send", "--udp", `127.0.0.1:${port}`, "ab", ""]);
  assertEquals([code, stdout], [0, "4 bytes: abab\n0 bytes: \n"]);
  await answering;
  socket.close();
  const late = await runProgram([
    ...["send", "--udp", "--timeout", "100ms", `127.0.0.1:${freePort()}`, "ab"],
  ]);
  assertEquals([late.code, late.stdout], [1, "no answer within 100 ms\n"]);
});
