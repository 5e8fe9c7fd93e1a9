import { assert, assertEquals, assertMatch } from "@std/assert";
import { Program, runProgram } from "../support/program.ts";
import { pathOf } from "../support/real_servers.ts";
import { freePort, until } from "../support/servers.ts";
import { UdpClient } from "../support/udp.ts";
import { unless } from "../support/unless.ts";

async function serve(service: string, options: readonly string[] = []) {
  const port = freePort();
  const args = ["serve", service, `udp:127.0.0.1:${port}`, ...options];
  return { program: await Program.spawn(args), to: `127.0.0.1:${port}`, port };
}

Deno.test("services answer datagrams, each session with one and over with it", async () => {
  const echo = await serve("echo", ["--log-format", "json"]);
  await using program = echo.program;
  const { code, stdout } = await runProgram(["send", "--udp", echo.to, "hello", ""]);
  assertEquals([code, stdout], [0, "5 bytes: hello\n0 bytes: \n"]);
  await until(() => program.out.length === 2, "each has ended with its answer");
  assert(program.access().every(({ reason }) => reason === "done"));
  assertEquals(await program.terminate(), 0);
  const daytime = await serve("daytime");
  await using other = daytime.program;
  assertMatch((await runProgram(["send", "--udp", daytime.to, ""])).stdout, /-UTC\n$/);
  assertEquals(await other.terminate(), 0);
});

Deno.test("a service is a destination of a UDP listener beside others, and is checked", async () => {
  const port = freePort();
  await using program = await Program.spawn([
    ...["--log-format", "json", "--udp-answers", "1", "--check-interval", "20ms"],
    `udp:127.0.0.1:${port}`,
    "service:echo,check=udp:send:ping\\,expect:ping",
  ]);
  const { stdout } = await runProgram(["send", "--udp", `127.0.0.1:${port}`, "x"]);
  assertEquals(stdout, "1 byte: x\n");
  assertEquals((await program.status()).destinations[0].state, "up");
  assertEquals((await program.status()).destinations[0].failures, 0);
  assertEquals(await program.terminate(), 0);
});

Deno.test({
  ...unless("logger is shown by syslog over UDP", { "there is no logger": !pathOf("logger") }),
  fn: async () => {
    const { program, port } = await serve("syslog", ["--filter", "*.err"]);
    await using _program = program;
    for (const level of ["info", "err"]) {
      await new Deno.Command("logger", {
        args: ["-n", "127.0.0.1", "-P", `${port}`, "-d", "-p", `daemon.${level}`, "hello"],
      }).output();
    }
    await until(() => program.out.length === 1, "the message is shown");
    assertMatch(program.out[0]!, / 127\.0\.0\.1:\d+ daemon\.err .*hello$/);
  },
});

for (const service of ["discard", "syslog"]) {
  Deno.test(`a drain of ${service}, which answers nobody, ends at once`, async () => {
    const { program: running, port } = await serve(service, [
      ...["--log-format", "json", "--udp-request-timeout", "60s"],
    ]);
    await using program = running;
    await using client = new UdpClient(port);
    await client.send("<13>one", "<13>two");
    await until(async () => (await program.status()).datagrams_up === 2, "both have come");
    const begun = performance.now();
    assertEquals(await program.terminate(), 0);
    assert(performance.now() - begun < 20_000, "it waits for no answer");
    assert(program.log.some((line) => line.includes("nothing was cut")));
    if (service === "syslog") {
      assertEquals(program.out.map((line) => line.slice(-3)), ["one", "two"]);
    }
  });
}

Deno.test("what speaks over connections only is no service of UDP", async () => {
  for (const service of ["http", "chat"]) {
    const { code, stderr } = await runProgram(["serve", service, "udp:127.0.0.1:8080"]);
    assertEquals(code, 2);
    assertMatch(stderr, /speaks over connections only/);
  }
});
