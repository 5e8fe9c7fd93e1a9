import { assert, assertEquals } from "@std/assert";
import { TestBalancer } from "../support/balancer.ts";
import { runOn } from "../support/namespaces.ts";
import { Place, whyNoPlace } from "../support/place.ts";
import { freePort, until } from "../support/servers.ts";
import { silent, UdpClient, UdpServer } from "../support/udp.ts";
import { unless } from "../support/unless.ts";

const obstacle = await whyNoPlace();

/** What a neighbour that nobody has ever heard of is asked for, and how much waits for its answer. */
const NEIGHBOURS = "net.ipv4.neigh.v0";

Deno.test({
  ...unless(
    "a destination to which nothing can be sent at the moment holds up its own sessions only",
    {
      [`no namespaces here: ${obstacle}`]: obstacle !== "",
    },
  ),
  async fn() {
    await using place = await Place.make([]);
    await runOn(place, "ip link add v0 type veth peer name v1");
    for (const device of ["v0", "v1"]) await runOn(place, `ip link set ${device} up`);
    await runOn(place, "ip addr add 192.0.2.1/24 dev v0");
    // Long enough: what is sent waits for a neighbour that never answers, and fills the socket.
    await runOn(place, `sysctl -qw ${NEIGHBOURS}.unres_qlen_bytes=100000000`);
    await runOn(place, `sysctl -qw ${NEIGHBOURS}.mcast_solicit=15`);
    const [server, port] = [freePort(), freePort()];
    const echo = place.echo(server);
    try {
      const { program } = await place.start([
        ...["--balance", "first", "--udp-idle", "1s", `udp:127.0.0.1:${port}`],
        ...["udp:192.0.2.2:9,workers=1", `udp:127.0.0.1:${server}`],
      ]);
      await using _ = program;
      const shell = async (script: string) => {
        const args = [
          ...place.prefix.slice(1),
          "bash",
          "-c",
          `exec 3<>/dev/udp/127.0.0.1/${port}; ${script}`,
        ];
        const { stdout } = await new Deno.Command("ip", { args }).output();
        return new TextDecoder().decode(stdout);
      };
      // In parts: of too much at a time the kernel drops most before it is read.
      const flood = "for i in {1..400}; do printf %1000s x >&3; ((i % 50)) || sleep 0.05; done";
      await shell(`echo first >&3; sleep 0.1; ${flood}`);
      const dropped = async () => (await program.status()).datagrams_dropped > 0;
      await until(dropped, "the socket is full");
      const answer = () =>
        shell("echo -n hello >&3; timeout 0.3 dd bs=100 count=1 status=none <&3");
      await until(async () => await answer() === "hello", "another one is answered");
      const { datagrams_down, destinations } = await program.status();
      assert(datagrams_down >= 1);
      assertEquals(destinations[0].active, 1);
    } finally {
      echo.kill("SIGTERM");
      await echo.status;
    }
  },
});

Deno.test("a datagram that is too long for its way is lost alone, and told of", async () => {
  await using server = new UdpServer();
  await using balancer = await TestBalancer.start([server.address], {}, "udp:[::1]:0");
  await using client = new UdpClient(balancer.port, { hostname: "::1", server: "::1" });
  await client.send(new Uint8Array(65_527));
  await until(() => balancer.status.datagrams_unsent === 1, "IPv4 has no room for it");
  assertEquals(await client.ask("next"), "next");
  assertEquals(balancer.status.accepted, 1);
});

Deno.test("an answer that cannot be sent is lost alone", async () => {
  await using server = new UdpServer(({ text, from }, server) => {
    return server.send(text === "long" ? new Uint8Array(65_527) : "short", from);
  }, "::1");
  await using balancer = await TestBalancer.start(
    [server.address],
    {},
    "udp:127.0.0.1:0",
  );
  await using client = new UdpClient(balancer.port);
  await client.send("long");
  await until(() => balancer.status.datagrams_unsent === 1, "IPv4 has no room for it");
  assertEquals(await client.ask("next"), "short");
  assertEquals(balancer.status.active, 1);
});

Deno.test("a destination whose port is closed, or a client whose, disturbs nobody", async () => {
  await using server = new UdpServer();
  await using balancer = await TestBalancer.start(
    [server.address, `udp:127.0.0.1:${freePort()}`],
    { balance: "round-robin", udpIdle: "100ms" },
    "udp:127.0.0.1:0",
  );
  const clients = Array.from({ length: 20 }, () => new UdpClient(balancer.port));
  for (let round = 0; round < 3; round++) for (const client of clients) await client.send("x");
  await until(() => server.received.length === 30, "every second one is served");
  // Their answers find closed ports now.
  for (const client of clients) await client[Symbol.asyncDispose]();
  await using late = new UdpClient(balancer.port);
  await until(async () => {
    await late.send("late");
    return late.received.length > 0;
  }, "one that comes later is answered");
  const { ended, datagrams_unsent } = balancer.status;
  assertEquals([ended["server-reset"], datagrams_unsent], [undefined, 0]);
});

Deno.test("a receive buffer that is full loses what has no room, and nothing else", async () => {
  // Nobody reads it.
  const full = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  await using server = new UdpServer(silent);
  const { port } = full.addr as Deno.NetAddr;
  await using balancer = await TestBalancer.start(
    [`udp:127.0.0.1:${port}`, server.address],
    { balance: "round-robin" },
    "udp:127.0.0.1:0",
  );
  await using one = new UdpClient(balancer.port);
  await using other = new UdpClient(balancer.port);
  await one.send("x");
  await until(() => balancer.status.datagrams_up === 1, "one is at the first");
  await other.send("y");
  await until(() => server.texts.length === 1, "the other is at the second");
  for (let i = 1; i <= 20; i++) {
    await one.send(new Uint8Array(60_000));
    await until(
      () => balancer.status.datagrams_up === 2 + i,
      "it is passed on, or lost by the kernel",
    );
  }
  await other.send("z");
  await until(() => server.texts.length === 2, "the other goes on");
  full.close();
});
