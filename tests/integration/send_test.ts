import { assertEquals, assertMatch } from "@std/assert";
import { Program, runProgram } from "../support/program.ts";
import { freePort, TestServer, writeAll } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

const BINARY = Deno.env.get("IAWLB_BINARY");
const MAIN = new URL("../../main.ts", import.meta.url).pathname;
/** How the program is started. */
const LINE = BINARY ? [BINARY] : [Deno.execPath(), "run", "--quiet", "-P", MAIN];

/** What `iawlb send` comes to that reads this from standard input. */
async function talk(
  args: readonly string[],
  input: string,
  [program, ...before]: readonly string[] = LINE,
): Promise<[code: number, stdout: string, stderr: string]> {
  const child = new Deno.Command(program!, {
    args: [...before, "send", ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await output;
  const [out, complaint] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return [code, out!, complaint!];
}

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
  const child = new Deno.Command(LINE[0]!, {
    args: [...LINE.slice(1), "send", `127.0.0.1:${echo.port}`],
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
  async function answer(): Promise<void> {
    for (let i = 0; i < 3; i++) {
      const [bytes, from] = await socket.receive();
      await socket.send(new Uint8Array([...bytes, ...bytes]), from);
    }
  }
  const answering = answer();
  const { code, stdout } = await runProgram(["send", "--udp", `127.0.0.1:${port}`, "ab", ""]);
  assertEquals([code, stdout], [0, "4 bytes: abab\n0 bytes: \n"]);
  const same = await runProgram(["send", `udp:127.0.0.1:${port}`, "c"]);
  assertEquals([same.code, same.stdout], [0, "2 bytes: cc\n"]);
  await answering;
  socket.close();
  const late = await runProgram([
    ...["send", "--udp", "--timeout", "100ms", `127.0.0.1:${freePort()}`, "ab"],
  ]);
  assertEquals([late.code, late.stdout], [1, "no answer within 100 ms\n"]);
});

Deno.test("over UDP, without messages, it ends after the silence that follows its input", async () => {
  await using echo = await Program.spawn(["serve", "echo", `udp:127.0.0.1:${freePort()}`]);
  const to = `udp:127.0.0.1:${echo.port}`;
  assertEquals(await talk(["--timeout", "300ms", to], "abc"), [0, "abc", ""]);
  assertEquals(await talk(["--timeout", "100ms", to], ""), [0, "", ""]);
});

Deno.test("what cannot be read or sent is said", async () => {
  await using echo = await Program.spawn(["serve", "echo", `127.0.0.1:${freePort()}`]);
  const script = `"$@" send 127.0.0.1:${echo.port} </`;
  const { code, stderr } = await new Deno.Command("sh", { args: ["-c", script, "sh", ...LINE] })
    .output();
  assertEquals(code, 1);
  assertMatch(new TextDecoder().decode(stderr), /^iawlb: cannot read standard input: .+\n$/m);
  const long = await runProgram(["send", "--udp", "9", "x".repeat(65_508)]);
  assertEquals([long.code, long.stderr], [
    2,
    "iawlb: MESSAGE has 65508 bytes, more than fit into a datagram; must have at most 65507\n",
  ]);
});

/** Before a command: on a machine that has no network. */
const ALONE = ["unshare", "--map-root-user", "--net"];

Deno.test({
  ...unless("a datagram of standard input that cannot be sent is said, and ends it", {
    "no network namespace can be made": !await canBeAlone(),
  }),
  fn: async () => {
    const command = [...ALONE, ...LINE];
    const [code, , complaint] = await talk(["--udp", "127.0.0.1:9"], "abc", command);
    assertEquals(code, 1);
    assertMatch(complaint, /^iawlb: the connection failed: Network is unreachable .*\n$/m);
  },
});

async function canBeAlone(): Promise<boolean> {
  const [program, ...args] = [...ALONE, "true"];
  return await new Deno.Command(program!, { args, stderr: "null" }).output()
    .then(({ success }) => success, () => false);
}
