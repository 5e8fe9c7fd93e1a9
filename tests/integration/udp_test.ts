import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { TestFile } from "../support/config_file.ts";
import { NEEDING_DNSMASQ, startDnsmasq } from "../support/dnsmasq.ts";
import { needing, run } from "../support/packaged_servers.ts";
import { Program } from "../support/program.ts";
import { freePort, until } from "../support/servers.ts";
import { silent, UdpClient, UdpServer } from "../support/udp.ts";
import { unless } from "../support/unless.ts";

const NEEDING_DIG = needing("dig", "bind9-dnsutils");
const NEEDING_TFTP = { ...needing("in.tftpd", "tftpd-hpa"), ...needing("tftp", "tftp-hpa") };

Deno.test({
  ...unless("dig asks dnsmasq, long answers over TCP beside it", {
    ...NEEDING_DNSMASQ,
    ...NEEDING_DIG,
  }),
  async fn() {
    const long = "x".repeat(250);
    await using dnsmasq = await startDnsmasq([
      "--address=/a.test/192.0.2.7",
      `--txt-record=long.test,${long},${long},${long}`,
    ]);
    const port = freePort();
    using file = new TestFile(`
      log-format = "json"
      [[listener]]
      listen = "udp:127.0.0.1:${port}"
      destinations = ["udp:127.0.0.1:${dnsmasq.port}"]
      udp-answers = 1
      workers = 4
      check = "dns:a.test"
      [[listener]]
      listen = "127.0.0.1:${port}"
      destinations = ["127.0.0.1:${dnsmasq.port}"]
    `);
    await using program = await Program.spawn(["--config", file.path]);
    const dig = (...args: string[]) => run("dig", ["@127.0.0.1", "-p", `${port}`, ...args]);
    assertEquals(await dig("+short", "a.test"), "192.0.2.7\n");
    assertStringIncludes(await dig("+bufsize=4096", "+notcp", "long.test", "TXT"), long);
    const fallback = await dig("+noedns", "long.test", "TXT");
    assertStringIncludes(fallback, "retrying in TCP mode");
    assertStringIncludes(fallback, long);
    // Each would have a slot for 30 s.
    for (let i = 0; i < 10; i++) assertEquals(await dig("+short", "a.test"), "192.0.2.7\n");
    const entries = await program.entries(14);
    const udp = entries.filter(({ listener }) => listener.startsWith("udp:"));
    assertEquals([...new Set(udp.map(({ reason }) => reason))], ["done"]);
    assertEquals([udp.length, entries.length - udp.length], [13, 1]);
    assertEquals(await program.terminate(), 0);
  },
});

Deno.test({
  ...unless("a file is fetched by TFTP, whose server answers from a port of its own", NEEDING_TFTP),
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "iawlb-" });
    await Deno.chmod(folder, 0o755);
    const bytes = crypto.getRandomValues(new Uint8Array(20_000));
    await Deno.writeFile(`${folder}/file`, bytes, { mode: 0o644 });
    const server = freePort();
    const child = new Deno.Command("in.tftpd", {
      args: ["--foreground", "--listen", "--address", `127.0.0.1:${server}`, "--secure", folder],
      stdout: "null",
      stderr: "null",
    }).spawn();
    try {
      await using program = await Program.spawn([
        ...["--log-format", "json", "--udp-reply-port", "any", "--udp-idle", "1s"],
        ...[`udp:127.0.0.1:${freePort()}`, `udp:127.0.0.1:${server}`],
      ]);
      const fetched = `${folder}/fetched`;
      await until(async () => {
        const get = ["127.0.0.1", `${program.port}`, "-m", "binary", "-c", "get", "file", fetched];
        await run("tftp", get);
        return (await Deno.stat(fetched).catch(() => undefined))?.size === bytes.length;
      }, "the file is there");
      assertEquals(await Deno.readFile(fetched), bytes);
    } finally {
      child.kill("SIGTERM");
      await child.status;
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("thousands of clients are served at once, and a drain loses no answer", async () => {
  const clients = 2000;
  const asked: Deno.NetAddr[] = [];
  await using server = new UdpServer(({ from }) => void asked.push(from));
  await using program = await Program.spawn([
    ...["--log-format", "json", "--workers", "10000", "--access-log", "off"],
    ...[`udp:127.0.0.1:${freePort()}`, server.address],
  ], "ulimit -n $(ulimit -H -n)");
  // Sockets of this process: a client is told by its port.
  const all = Array.from({ length: clients }, () => new UdpClient(program.port));
  try {
    for (const [i, client] of all.entries()) {
      await client.send(`question ${i}`);
      // As many as fit into a receive buffer.
      if (i % 50 === 49) await until(() => asked.length >= i - 50, "most have come through");
    }
    await until(async () => {
      for (const [i, client] of all.entries()) {
        if (!server.texts.includes(`question ${i}`)) await client.send(`question ${i}`);
      }
      return new Set(server.texts).size === clients;
    }, "all have come through");
    const ended = program.terminate();
    await program.logged(/draining: 2000 sessions active/);
    for (const to of asked) await server.send("answer", to);
    await until(() => all.every(({ received }) => received.length > 0), "all have an answer");
    assertEquals(await ended, 0);
    assert(program.log.some((line) => line.includes("nothing was cut")));
  } finally {
    for (const client of all) await client[Symbol.asyncDispose]();
  }
});

Deno.test("the state, the metrics and the access log tell of datagrams", async () => {
  await using server = new UdpServer();
  const admin = freePort();
  await using program = await Program.spawn([
    ...["--log-format", "json", "--admin", `${admin}`, "--udp-answers", "1"],
    ...[`udp:127.0.0.1:${freePort()}`, server.address],
  ]);
  await using client = new UdpClient(program.port);
  assertEquals(await client.ask("hello"), "hello");
  const [entry] = await program.entries(1);
  assertEquals([entry!.datagrams_up, entry!.datagrams_down], [1, 1]);
  assertEquals([entry!.client, entry!.destination, entry!.reason, entry!.bytes_up], [
    `127.0.0.1:${client.port}`,
    server.address,
    "done",
    5,
  ]);
  const metrics = await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text();
  const listener = `listener="udp:127.0.0.1:${program.port}"`;
  assertStringIncludes(metrics, `iawlb_datagrams_total{${listener},direction="up"} 1\n`);
  assertStringIncludes(metrics, `iawlb_datagrams_lost_total{${listener},reason="foreign"} 0\n`);
  const status = await program.status();
  assertEquals([status.address, status.datagrams_down], [`udp:127.0.0.1:${program.port}`, 1]);
});

Deno.test({
  ...unless("records of a name are servers of UDP", NEEDING_DNSMASQ),
  async fn() {
    await using server = new UdpServer();
    await using dnsmasq = await startDnsmasq([
      "--address=/ns.test/127.0.0.1",
      `--srv-host=_echo._udp.test,ns.test,${server.port}`,
    ]);
    for (const name of ["srv:_echo._udp.test", `dns:ns.test:${server.port}`]) {
      await using program = await Program.spawn([
        ...["--log-format", "json", "--resolver", `127.0.0.1:${dnsmasq.port}`],
        ...["--udp-answers", "1", `udp:127.0.0.1:${freePort()}`, name],
      ]);
      await using client = new UdpClient(program.port);
      assertEquals(await client.ask("hello"), "hello");
      const [entry] = await program.entries(1);
      const source = name.replace(/^(?:srv:|dns:)/, "").replace(/:\d+$/, "");
      assertEquals(entry!.destination, `${source}@127.0.0.1:${server.port}`);
      assertEquals((await program.status()).destinations[0].address, server.address);
      assertEquals(await program.terminate(), 0);
    }
  },
});

Deno.test("a port that is taken is told at the start", async () => {
  await using server = new UdpServer(silent);
  const program = Program.launch([server.address, "udp:127.0.0.1:9"]);
  assertEquals(await program.ended(), 1);
  assertEquals(
    program.log.at(-1),
    `iawlb: Cannot listen on ${server.address}: the address is in use; stop the program that has it or choose another`,
  );
});

Deno.test({
  ...unless("syslog and socat speak through it", {
    ...needing("logger", "bsdutils"),
    ...needing("socat", "socat"),
  }),
  async fn() {
    await using server = new UdpServer();
    await using program = await Program.spawn([
      ...["--log-format", "json", "--udp-idle", "500ms"],
      ...[`udp:127.0.0.1:${freePort()}`, server.address],
    ]);
    const { port } = program;
    await run("logger", ["--udp", "--server", "127.0.0.1", "--port", `${port}`, "out of coffee"]);
    await until(() => server.texts.some((text) => text.endsWith("out of coffee")), "it is there");
    assertEquals(await run("socat", ["-t1", "-", `UDP:127.0.0.1:${port}`], "hello"), "hello");
    const entries = await program.entries(2);
    assertEquals(entries.map(({ reason }) => reason), ["udp-idle", "udp-idle"]);
    assertEquals(await program.terminate(), 0);
  },
});

Deno.test("operators and a reload change destinations, and no answer is lost", async () => {
  await using one = new UdpServer(({ text, from }, server) => {
    // One question is kept until later.
    return text === "late" ? undefined : server.send(`one: ${text}`, from);
  });
  await using other = new UdpServer(({ text, from }, server) =>
    server.send(`other: ${text}`, from)
  );
  const [port, admin] = [freePort(), freePort()];
  const config = (...servers: UdpServer[]) => `
    log-format = "json"
    admin = "${admin}"
    [[listener]]
    listen = "udp:127.0.0.1:${port}"
    udp-answers = 1
    destinations = [${servers.map(({ address }) => `"${address}"`)}]
  `;
  using file = new TestFile(config(one));
  await using program = await Program.spawn(["--config", file.path]);
  await using client = new UdpClient(port);
  await using waiting = new UdpClient(port);
  assertEquals(await client.ask("a"), "one: a");
  await waiting.send("late");
  await until(() => one.texts.includes("late"), "one is asked");
  const add = async (address: string) => {
    const body = JSON.stringify({ address });
    const response = await fetch(`http://127.0.0.1:${admin}/destinations`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    return { status: response.status, text: await response.text() };
  };
  const refused = await add("127.0.0.1:9");
  assertEquals(refused.status, 422);
  assertStringIncludes(refused.text, "is not UDP, but its listener is");
  assertEquals((await add(other.address)).status, 201);
  file.write(config(other));
  program.signal("SIGHUP");
  await program.logged(/reload/);
  await until(async () => await client.ask("b") === "other: b", "the other one is asked");
  await one.send("at last", one.received.find(({ text }) => text === "late")!.from);
  assertEquals((await waiting.next()).text, "at last");
  assertEquals(await program.terminate(), 0);
});
