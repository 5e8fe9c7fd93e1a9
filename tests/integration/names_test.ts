import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { DestinationStatus } from "../../src/operations/destination_status.ts";
import type { Status } from "../../src/operations/operations.ts";
import { A, address, SRV } from "../support/dns_message.ts";
import { DnsServer, type Script } from "../support/dns_server.ts";
import { NEEDING_DNSMASQ, startDnsmasq } from "../support/dnsmasq.ts";
import { Program, runProgram } from "../support/program.ts";
import { answer, freePort, request, TestServer, until } from "../support/servers.ts";
import { heldServer } from "../support/instance.ts";
import { unless } from "../support/unless.ts";

/** The name has these addresses, each for a second. */
function leadingTo(...ips: string[]): Script {
  return ({ name, type }) => ({ answers: type === A ? ips.map((ip) => address(name, ip, 1)) : [] });
}

/** Servers on one port of several addresses of loopback, each of which answers with its address. */
function serversAt(port: number, ...addresses: string[]) {
  const servers = addresses.map((hostname) => new TestServer(answer(hostname), { hostname, port }));
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
    },
  };
}

/** The program with its admin API. */
async function operated(destinations: string[], options: string[]) {
  const admin = `127.0.0.1:${freePort()}`;
  const program = await Program.start(destinations, ["--admin", admin, ...options]);
  await program.logged(/admin API on /);
  const status = async (): Promise<Status> => await (await fetch(`http://${admin}/status`)).json();
  return {
    program,
    admin,
    async listener() {
      return (await status()).listeners[0]!;
    },
    /** Those that are there, once they are so many. */
    async present(number: number): Promise<DestinationStatus[]> {
      let there: DestinationStatus[] = [];
      await until(async () => {
        const { destinations } = (await status()).listeners[0]!;
        there = destinations.filter(({ leaving }) => !leaving);
        return there.length === number;
      }, `there are ${number} destinations`);
      return there;
    },
    async health(): Promise<number> {
      const response = await fetch(`http://${admin}/healthz`);
      await response.body?.cancel();
      return response.status;
    },
    async ctl(...args: string[]): Promise<string> {
      const { code, stdout, stderr } = await runProgram(["ctl", admin, ...args]);
      assertEquals([code, stderr], [0, ""]);
      return stdout;
    },
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

for (const threads of ["1", "2"]) {
  Deno.test(`clients wait for a name that nobody answers for, and are served as soon as it leads somewhere, with ${threads} threads`, async () => {
    const port = freePort();
    await using _servers = serversAt(port, "127.0.0.1", "127.0.0.2");
    await using dns = new DnsServer(() => ({ code: 2 }));
    const options = ["--resolver", dns.address, "--threads", threads];
    await using one = await operated([`dns:web.test:${port},workers=8`], options);
    const { program } = one;
    const line = await program.logged(/cannot be looked up/);
    assertMatch(line, /web\.test cannot be looked up, there is no server for it yet: .*SERVFAIL/);
    const answered = request(program.port, "hello");
    await until(async () => (await one.listener()).waiting === 1, "a client waits");
    assertEquals(await one.health(), 503);
    dns.script = leadingTo("127.0.0.1");
    assertEquals(await answered, "127.0.0.1");
    await until(async () => await one.health() === 200, "it is healthy");
    await program.logged(/web\.test: joined by 127\.0\.0\.1:/);
    dns.script = leadingTo("127.0.0.2", "127.0.0.1");
    const [first, second] = await one.present(2);
    assertEquals([first!.name, second!.name], [
      `web.test@127.0.0.1:${port}`,
      `web.test@127.0.0.2:${port}`,
    ]);
    assertEquals([first!.limit, second!.limit], [8, 8]);
    assertMatch(await one.ctl("drain", first!.name, "--wait"), /drain, has finished its sessions/);
    for (let i = 0; i < 3; i++) assertEquals(await request(program.port, "hello"), "127.0.0.2");
    assertMatch(await one.ctl("drain", "web.test"), /^1\.1 web\.test: drain, 0 active\n$/);
    assertEquals(new Set((await one.listener()).destinations.map(({ state }) => state)).size, 1);
    await one.ctl("ready", `dns:web.test:${port}`);
    await request(program.port, "hello");
    assertMatch(
      await one.ctl("status"),
      /1\.1 web\.test \(dns:web\.test:\d+\): 2 records, answered/,
    );
    const metrics = await one.ctl("metrics");
    assertMatch(metrics, /^iawlb_name_records\{listener="[^"]+",name="web\.test"\} 2$/m);
    assertMatch(metrics, /^iawlb_name_lookup_failures_total\{.*name="web\.test"\} [1-9]\d*$/m);
    assertMatch(metrics, /^iawlb_name_age_seconds\{.*name="web\.test"\} \d/m);
    assertEquals(await program.terminate(), 0);
    assertEquals(program.access()[0]!.destination, first!.name);
  });
}

Deno.test("a name server that lies, is late or says nothing changes nothing, and the next one is asked", async () => {
  const port = freePort();
  await using _servers = serversAt(port, "127.0.0.1");
  await using liar = new DnsServer((asked) => [
    { id: asked.id ^ 1, answers: [address(asked.name, "127.0.0.66")] },
    { question: { name: "other.test", type: A }, answers: [address("other.test", "127.0.0.66")] },
    new Uint8Array(3),
  ]);
  await using good = new DnsServer(leadingTo("127.0.0.1"));
  const options = ["--resolver", `${liar.address},${good.address}`];
  await using one = await operated([`dns:web.test:${port}`], options);
  assertEquals(await request(one.program.port, "hello"), "127.0.0.1");
  await one.present(1);
  liar.script = () => ({ code: 2 });
  good.script = () => undefined;
  await one.program.logged(/web\.test cannot be looked up, its 1 server stays in use: /);
  assertEquals(await request(one.program.port, "hello"), "127.0.0.1");
  const [name] = (await one.listener()).names;
  assert(name!.failures >= 1);
  assertStringIncludes(name!.last_error, "web.test");
  // A look-up is under way, and nobody waits for it.
  const begun = performance.now();
  assertEquals(await one.program.terminate(), 0);
  assert(performance.now() - begun < 1500, `the end took ${performance.now() - begun} ms`);
});

Deno.test("a record that is the listener itself is left out, and the log tells of it", async () => {
  const port = freePort();
  await using _servers = serversAt(port, "127.0.0.2");
  await using dns = new DnsServer(leadingTo("127.0.0.1"));
  const options = ["--resolver", dns.address, "--resolve-interval", "1s"];
  await using program = await Program.spawn([
    ...options,
    `127.0.0.1:${port}`,
    `dns:web.test:${port}`,
  ]);
  await program.logged(
    /web\.test cannot be looked up, .* no server for it yet: it is this listener/,
  );
  const first = request(port, "hello");
  dns.script = leadingTo("127.0.0.1", "127.0.0.2");
  assertEquals(await first, "127.0.0.2");
  await program.logged(/web\.test leads to this listener, too, which is left out/);
  for (let i = 0; i < 9; i++) assertEquals(await request(port, "hello"), "127.0.0.2");
  assertEquals(await program.terminate(), 0);
});

Deno.test("a name is removed by a reload while its sessions go on, and others come in the same file", async () => {
  const port = freePort();
  const held = heldServer("web", { port });
  await using _server = held.server;
  await using dns = new DnsServer(leadingTo("127.0.0.1"));
  const path = await Deno.makeTempFile();
  const listen = freePort();
  const write = (destinations: string) => {
    const common = `listen = "127.0.0.1:${listen}"\nresolver = "${dns.address}"\n`;
    return Deno.writeTextFile(path, `${common}destinations = [${destinations}]\n`);
  };
  await write(`{ address = "dns:web.test:${port}", name = "web", workers = 4 }`);
  await using program = await Program.spawn(["--config", path, "--log-format", "json"]);
  const first = request(listen, "hello");
  await program.logged(/web: joined by/);
  await until(async () => (await program.status()).active === 1, "it is served");
  await write(`"srv:_web._tcp.test"`);
  dns.script = ({ name, type }) => {
    if (type === A) return { answers: [address(name, "127.0.0.1", 1)] };
    if (type !== SRV) return {};
    const data = [
      0,
      0,
      0,
      7,
      port >> 8,
      port & 255,
      1,
      97,
      4,
      ...new TextEncoder().encode("test"),
      0,
    ];
    return { answers: [{ name, type, ttl: 1, data }] };
  };
  program.signal("SIGHUP");
  await program.logged(/reload: destination web removed/);
  await program.logged(/_web\._tcp\.test: joined by 127\.0\.0\.1:/);
  const second = request(listen, "hello");
  held.release();
  assertEquals([await first, await second], ["web", "web"]);
  const { destinations } = await program.status();
  assertEquals(destinations.map(({ name }: DestinationStatus) => name), [
    `_web._tcp.test@127.0.0.1:${port}`,
  ]);
  assertEquals(await program.terminate(), 0);
  await Deno.remove(path);
});

Deno.test({
  ...unless(
    "dnsmasq's services lead to servers with weights and tiers, and many addresses come by TCP",
    NEEDING_DNSMASQ,
  ),
  async fn() {
    const port = freePort();
    await using _servers = serversAt(port, "127.0.0.1", "127.0.0.2", "127.0.0.3");
    const many = Array.from({ length: 300 }, (_, i) => `127.8.${i >> 8}.${i & 255}`);
    const services = [["a", 10, 30], ["b", 10, 10], ["c", 20, 0]] as const;
    await using dns = await startDnsmasq([
      "--local-ttl=1",
      "--host-record=a.test,127.0.0.1",
      "--host-record=b.test,127.0.0.2",
      "--host-record=c.test,127.0.0.3",
      ...services.map(([host, priority, weight]) => {
        return `--srv-host=_web._tcp.test,${host}.test,${port},${priority},${weight}`;
      }),
    ], many.map((ip) => `${ip} many.test\n`).join(""));
    const options = ["--resolver", dns.address];
    await using one = await operated(["srv:_web._tcp.test,name=web"], options);
    const shown = (await one.present(3)).map(({ name, weight, tier }) => {
      return `${name} ${weight} ${tier}`;
    });
    assertEquals(shown, [
      `web@127.0.0.1:${port} 3 0`,
      `web@127.0.0.2:${port} 1 0`,
      `web@127.0.0.3:${port} 1 1`,
    ]);
    const answers: string[] = [];
    for (let i = 0; i < 16; i++) answers.push(await request(one.program.port, "hello"));
    const [first, second, third] = ["1", "2", "3"].map((n) => {
      return answers.filter((ip) => ip.endsWith(n)).length;
    });
    assert(first! > second! && second! > 0 && third === 0, answers.join());
    assertMatch(await one.ctl("add", `dns:many.test:${port},workers=2`), /many\.test: added/);
    await one.present(303);
    const removed = await runProgram(["ctl", one.admin, "remove", `web@127.0.0.1:${port}`]);
    assertEquals(removed.code, 1);
    assertStringIncludes(removed.stderr, "is there because web leads to it");
    assertMatch(await one.ctl("remove", "many.test", "--wait"), /many\.test: gone/);
    await one.present(3);
    assertEquals(await one.program.terminate(), 0);
  },
});

Deno.test("a listener cannot be at a name's records, and the configuration is checked without a look-up", async () => {
  for (const listen of ["dns:web.test:80", "srv:_web._tcp.test"]) {
    const { code, stderr } = await runProgram([listen, "9001"]);
    assertEquals(code, 2);
    assertMatch(
      stderr,
      /^iawlb: LISTEN "[^"]+": must not begin with (dns|srv):, which is for destinations; .+\n$/,
    );
  }
  await using dns = new DnsServer(() => ({ code: 2 }));
  const checked = ["--check-config", "--resolver", dns.address, "8080", "dns:web.test:80"];
  const { code, stdout } = await runProgram(checked);
  assertEquals([code, stdout], [0, "the command line is fine: 1 listener, 1 destination\n"]);
  assertEquals(dns.asked, []);
});
