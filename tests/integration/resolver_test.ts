import { assert, assertEquals } from "@std/assert";
import { NEEDING_DNSMASQ, startDnsmasq } from "../support/dnsmasq.ts";
import { A, address } from "../support/dns_message.ts";
import { DnsServer, type Script } from "../support/dns_server.ts";
import { Program } from "../support/program.ts";
import { answer, freePort, request, TestServer, until } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

/** The same address for every name, for so many seconds. */
function leadingTo(ip: string, ttl = 1): Script {
  return ({ name, type }) => ({ answers: type === A ? [address(name, ip, ttl)] : [] });
}

for (const threads of ["1", "2"]) {
  Deno.test(`a destination's name is looked up at --resolver, with ${threads} threads`, async () => {
    await using server = new TestServer(answer("served"));
    await using dns = new DnsServer(leadingTo("127.0.0.1"));
    const options = ["--resolver", dns.address, "--threads", threads];
    await using program = await Program.start([`db.test:${server.port}`], options);
    let sessions = 0;
    /** Has sessions served until something is so. */
    const serveUntil = async (condition: () => boolean, what: string) => {
      await until(async () => {
        sessions++;
        assertEquals(await request(program.port, "hello"), "served");
        return condition();
      }, what);
    };
    await serveUntil(() => dns.count("db.test", A) > 2, "it is asked again and again");
    dns.script = () => ({ code: 2 });
    const failure = /db\.test cannot be looked up.*it said SERVFAIL/;
    await serveUntil(() => program.log.some((line) => failure.test(line)), "the failure is told");
    dns.script = () => undefined;
    const asked = dns.asked.length;
    await serveUntil(() => dns.asked.length > asked + 1, "a question is open");
    // Nobody waits for it at the end.
    const begun = performance.now();
    assertEquals(await program.terminate(), 0);
    assert(performance.now() - begun < 1500, `the end took ${performance.now() - begun} ms`);
    await program.logged(new RegExp(`${sessions} accepted = ${sessions} finished`));
  });
}

Deno.test("a reload has another name server asked, and the destination is the same as before", async () => {
  await using server = new TestServer(answer("served"));
  await using before = new DnsServer(leadingTo("127.0.0.1", 3600));
  await using after = new DnsServer(leadingTo("127.0.0.1", 3600));
  const folder = await Deno.makeTempDir();
  const [path, admin] = [`${folder}/iawlb.toml`, freePort()];
  const write = (resolver: string) => {
    return Deno.writeTextFile(
      path,
      `listen = "127.0.0.1:${freePort()}"\nadmin = "127.0.0.1:${admin}"\n` +
        `destinations = ["db.test:${server.port}"]\nresolver = "${resolver}"\n`,
    );
  };
  await write(before.address);
  const listen = (await Deno.readTextFile(path)).split("\n")[0]!;
  await using program = await Program.spawn(["--config", path]);
  assertEquals(await request(program.port, "hello"), "served");
  await write(`${after.address},192.0.2.1`);
  const text = (await Deno.readTextFile(path)).replace(/^.*\n/, `${listen}\n`);
  await Deno.writeTextFile(path, text);
  program.signal("SIGHUP");
  await program.logged(/resolver 127\.0\.0\.1:\d+ → 127\.0\.0\.1:\d+,192\.0\.2\.1/);
  assertEquals(after.asked.length, 0);
  assertEquals(await request(program.port, "hello"), "served");
  await until(() => after.count("db.test", A) === 1, "the other one is asked");
  const asked = before.asked.length;
  assertEquals(await request(program.port, "hello"), "served");
  assertEquals(before.asked.length, asked);
  const status = await (await fetch(`http://127.0.0.1:${admin}/status`)).json();
  const [{ destinations: [destination] }] = status.listeners;
  assertEquals([destination.name, destination.sessions], [`db.test:${server.port}`, 3]);
  assertEquals(await program.terminate(), 0);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a name that nobody answers for keeps other destinations' sessions from nothing", async () => {
  await using server = new TestServer(answer("served"));
  await using dns = new DnsServer(() => undefined);
  const options = ["--resolver", dns.address];
  await using program = await Program.start(["db.test:5432", server.address], options);
  for (let i = 0; i < 20; i++) assertEquals(await request(program.port, "hello"), "served");
  assertEquals(await program.terminate(), 0);
  await program.logged(/20 accepted = 20 finished/);
});

Deno.test({
  ...unless("dnsmasq's hosts change under load, and no session is lost", NEEDING_DNSMASQ),
  async fn() {
    const port = freePort();
    await using first = new TestServer(answer("served"), { hostname: "127.0.0.1", port });
    await using second = new TestServer(answer("served"), { hostname: "127.0.0.2", port });
    await using dns = await startDnsmasq(["--local-ttl=0"], "127.0.0.1 db.test\n");
    const options = ["--resolver", dns.address];
    await using program = await Program.start([`db.test:${port}`], options);
    let sessions = 0;
    let stopped = false;
    const clients = Array.from({ length: 4 }, async () => {
      while (!stopped) {
        assertEquals(await request(program.port, "hello"), "served");
        sessions++;
      }
    });
    for (let change = 1; change <= 4; change++) {
      const [server, ip] = change % 2 === 0 ? [first, "127.0.0.1"] : [second, "127.0.0.2"];
      await dns.change(`${ip} db.test\n`);
      const before = server.accepted;
      await until(() => server.accepted > before + 20, `change ${change} is followed`);
    }
    stopped = true;
    await Promise.all(clients);
    assertEquals(await program.terminate(), 0);
    await program.logged(new RegExp(`${sessions} accepted = ${sessions} finished`));
  },
});
