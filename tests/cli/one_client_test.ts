import { assert, assertEquals, assertRejects } from "@std/assert";
import { UsageError } from "../../src/base/errors.ts";
import { type Command, parseCommand, parseInetd, parseServe } from "../../src/cli/command.ts";
import { isForOneClient } from "../../src/cli/one_client.ts";
import { clientOfEnvironment } from "../../src/program/client_environment.ts";

function oneClient(command: Command): Extract<Command, { kind: "one-client" }> {
  assert(command.kind === "one-client");
  return command;
}

Deno.test("-i has destinations alone, and logs to syslog", async () => {
  const { config, waits } = oneClient(await parseCommand(["-i", "9001", "9002,weight=2"]));
  assertEquals(config.configured.map(({ name }) => name), ["9001", "9002"]);
  assertEquals([config.accessLog, config.log.kind, config.logLevel], [
    "syslog",
    "syslog",
    "warning",
  ]);
  assertEquals(waits, false);
  const patient = await parseCommand([
    "--queue-timeout",
    "3s",
    "--inetd",
    "9001",
    "--allow",
    "::1",
  ]);
  assertEquals(oneClient(patient).waits, true);
  assertEquals(oneClient(patient).config.rules.length, 1);
});

Deno.test("as many destinations as there are can be tried", async () => {
  const ports = Array.from({ length: 12 }, (_, i) => `${9001 + i}`);
  assertEquals(oneClient(await parseCommand(["-i", ...ports])).config.retries, 11);
});

Deno.test("serve NAME -i is -i with that service, and so is a dash in the place of LISTEN", async () => {
  for (const last of ["-i", "--inetd", "-"]) {
    const { config } = oneClient(await parseServe(["http", last, "--delay", "10ms"]));
    assertEquals(config.texts.destinations, ["service:http,delay=10ms"]);
  }
  const process = await parseServe(["echo", "-", "--processes=pool"]);
  assertEquals(process.kind, "process");
});

Deno.test("what says nothing for one client is refused", async () => {
  const commands: [string[], string][] = [
    [["-i"], "DESTINATION is missing"],
    [["-i", "9001", "--queue", "5"], "--queue: says nothing with -i"],
    [["-i", "9001", "--admin", "9900"], "--admin: says nothing with -i"],
    [["-i", "9001", "--check-config"], "--check-config: says nothing with -i"],
    [["-i", "9001", "--config", "x"], "--config: says nothing with -i"],
    [["-i", "9001", "--log", "stderr"], '--log "stderr": is the client with -i'],
    [["-i", "9001", "--access-log", "-"], '--access-log "-": is the client with -i'],
    [["-i", "9001", "--access-log", "on"], '--access-log "on": is the client with -i'],
    [["-i", "9001", "--access-log", "/dev/stderr"], "is the client with -i"],
    [["-i", "dns:a.example:1"], 'DESTINATION "dns:a.example:1": is looked up again and again'],
    [["-i", "9001,check=tcp"], "is to be checked again and again"],
    [["-i", "udp:9001"], "is UDP, but its listener is not"],
  ];
  for (const [args, expected] of commands) {
    const error = await assertRejects(() => parseCommand(args), UsageError);
    assert(error.message.includes(expected), `${args.join(" ")}: ${error.message}`);
  }
  const served: [string[], string][] = [
    [["chat", "-i"], "is for all clients together"],
    [["echo", "8080", "-i"], '"8080" is one too many'],
    [["echo", "-", "8007"], '"8007" is one too many'],
    [["echo", "-", "--print-config"], "--print-config: says nothing with -i"],
    [["echo", "-i", "--model", "process"], "--model says nothing"],
    [["echo", "-i", "--queue", "5"], "--queue: says nothing with -i"],
  ];
  for (const [args, expected] of served) {
    const error = await assertRejects(() => parseServe(args), UsageError);
    assert(error.message.includes(expected), `${args.join(" ")}: ${error.message}`);
  }
});

Deno.test("whose the descriptors are is known before anything else is", () => {
  const clients = [
    "-i",
    "--nonsense --inetd",
    "serve x -i",
    "-i --help",
    "--inetd=yes 9001",
    "-vi",
  ];
  for (const args of clients.map((text) => text.split(" "))) {
    assertEquals(isForOneClient(args), true);
  }
  for (const args of [["8080", "--", "-i"], ["inetd", "-i"], ["8080", "9001"], ["--in", "x"]]) {
    assertEquals(isForOneClient(args), false);
  }
});

Deno.test("the client is who the environment says, if that is an address", () => {
  const client = (env: Record<string, string>) => {
    const found = clientOfEnvironment({ get: (name) => env[name] });
    return found && "hostname" in found ? `${found.hostname} ${found.port}` : undefined;
  };
  assertEquals(client({ REMOTE_ADDR: "192.0.2.1", REMOTE_PORT: "77" }), "192.0.2.1 77");
  assertEquals(client({ TCPREMOTEIP: "2001:db8::1", TCPREMOTEPORT: "x" }), "2001:db8::1 0");
  assertEquals(client({ REMOTE_HOST: "192.0.2.3" }), "192.0.2.3 0");
  assertEquals(client({ REMOTE_HOST: "a.example" }), undefined);
  assertEquals(client({}), undefined);
});

Deno.test("inetd has one file, and the options of listeners that count for all", async () => {
  for (
    const [args, expected] of [
      [["a", "b"], '"b": one too many'],
      [["-"], 'FILE "-": must be the path of a file'],
      [["--name", "x"], '"--name": no such option'],
      [["a", "-i"], '"-i": no such option'],
    ] as const
  ) {
    const error = await assertRejects(() => parseInetd(args), UsageError);
    assert(error.message.includes(expected), error.message);
  }
  const help = await parseInetd(["--help"]);
  assert(help.kind === "print" && help.text.includes("--rate-guard off|N/TIME[/TIME]  (off)"));
});
