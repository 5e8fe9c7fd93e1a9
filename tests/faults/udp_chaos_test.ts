import { assert, assertEquals } from "@std/assert";
import { TestBalancer } from "../support/balancer.ts";
import { Random } from "../support/random.ts";
import { until } from "../support/servers.ts";
import { type Answer, UdpClient, UdpServer } from "../support/udp.ts";

const SEED = Number(Deno.env.get("IAWLB_SEED") ?? Math.floor(Math.random() * 2 ** 32));
const ROUNDS = 150;
/** Few enough for the kernel's buffers. */
const BURST = 20;

Deno.test(`whatever happens, each datagram is passed on or counted as lost (seed ${SEED})`, async () => {
  const random = new Random(SEED);
  const answer: Answer = async ({ bytes, from }, server) => {
    for (let n = random.below(4); n > 0; n--) await server.send(bytes, from);
  };
  const servers = Array.from({ length: 3 }, () => new UdpServer(answer));
  const addresses = servers.map(({ address }) => address);
  const balancer = await TestBalancer.start(addresses, settings(random), "udp:127.0.0.1:0");
  const clients = Array.from({ length: 40 }, () => new UdpClient(balancer.port));
  let sent = 0;
  /** What is known of those that were sent: all but what waits. */
  const told = () => {
    const { datagrams_up, datagrams_dropped, datagrams_unsent } = balancer.status;
    return datagrams_up + datagrams_dropped + datagrams_unsent;
  };
  try {
    for (let round = 0; round < ROUNDS; round++) {
      for (let n = random.below(BURST); n > 0; n--) {
        const length = random.chance(0.1) ? 0 : random.below(2000);
        await random.pick(clients).send(new Uint8Array(length));
        sent++;
      }
      if (random.chance(0.1)) await balancer.reconfigure(settings(random));
      const number = 1 + random.below(servers.length);
      if (random.chance(0.1)) {
        balancer.balancer.setAdminState(number, random.pick(["ready", "drain", "maint"]));
      }
      if (random.chance(0.1)) {
        const { id = "" } = balancer.balancer.sessions(1)[0] ?? {};
        balancer.balancer.endSession(Number(id.split(".")[1]));
      }
      await new Promise((resolve) => setTimeout(resolve, random.below(8)));
    }
    for (const [i] of servers.entries()) balancer.balancer.setAdminState(i + 1, "ready");
    await balancer.reconfigure({ udpIdle: "20ms", udpRequestTimeout: "20ms" });
    await until(() => balancer.status.waiting === 0 && told() >= sent, "all are told of");
    assertEquals(await balancer.balancer.drain(), true);
    assertEquals(told(), sent);
    const { active, datagrams_up, bytes_up } = balancer.status;
    assertEquals(active, 0);
    const all = () => servers.flatMap(({ received }) => received);
    await until(() => all().length >= datagrams_up, "the servers have read what was passed on");
    const received = all();
    assertEquals(received.length, datagrams_up);
    assertEquals(received.reduce((sum, { bytes }) => sum + bytes.length, 0), bytes_up);
    assert(balancer.balancer.totals.balanced);
  } finally {
    await balancer[Symbol.asyncDispose]();
    for (const one of [...clients, ...servers]) await one[Symbol.asyncDispose]();
  }
});

function settings(random: Random) {
  return {
    workers: `${1 + random.below(6)}`,
    queue: `${1 + random.below(20)}`,
    queueTimeout: random.pick(["50ms", "1s"]),
    udpIdle: random.pick(["10ms", "50ms", "1s"]),
    udpAnswers: random.pick(["0", "1", "2"]),
    udpRequestTimeout: random.pick(["0", "10ms", "50ms"]),
    udpBuffer: random.pick(["1,1KiB,1KiB", "3,4KiB,8KiB", "16,256KiB,16MiB"]),
    udpReplyPort: random.pick(["same", "any"]),
    balance: random.pick(["fifo", "hash", "round-robin", "least-conn", "first", "random"]),
    maxPerIp: random.pick(["0", "0", "5"]),
    overflow: random.pick(["wait", "reject"]),
  };
}
