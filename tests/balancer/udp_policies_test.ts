import { assert, assertEquals } from "@std/assert";
import { TestBalancer } from "../support/balancer.ts";
import { until } from "../support/servers.ts";
import { UdpClient, UdpServer } from "../support/udp.ts";

/** A listener of UDP before two servers, and clients that each begin a session there. */
class Scene implements AsyncDisposable {
  readonly servers = [new UdpServer(), new UdpServer()];
  readonly clients: UdpClient[] = [];
  balancer!: TestBalancer;

  static async start(options: Parameters<typeof TestBalancer.start>[1]): Promise<Scene> {
    const scene = new Scene();
    const addresses = scene.servers.map(({ address }) => address);
    scene.balancer = await TestBalancer.start(addresses, options, "udp:127.0.0.1:0");
    return scene;
  }

  /** Lets a client of its own ask; returns which server has answered. */
  async ask(hostname = "127.0.0.1"): Promise<number> {
    const before = this.#numbers();
    const client = new UdpClient(this.balancer.port, { hostname });
    this.clients.push(client);
    await client.ask("hello");
    const after = this.#numbers();
    return after.findIndex((number, i) => number > before[i]!);
  }

  #numbers(): number[] {
    return this.servers.map(({ received }) => received.length);
  }

  async [Symbol.asyncDispose]() {
    for (const client of this.clients) await client[Symbol.asyncDispose]();
    await this.balancer[Symbol.asyncDispose]();
    for (const server of this.servers) await server[Symbol.asyncDispose]();
  }
}

Deno.test("round-robin sends sessions of UDP to one destination after the other", async () => {
  await using scene = await Scene.start({ balance: "round-robin" });
  const chosen: number[] = [];
  for (let i = 0; i < 6; i++) chosen.push(await scene.ask());
  assertEquals(chosen.slice(1).filter((one, i) => one === chosen[i]), []);
});

Deno.test("hash sends all sessions of UDP of a client's address to the same destination", async () => {
  await using scene = await Scene.start({ balance: "hash" });
  const chosen = new Map<string, number>();
  for (let round = 0; round < 3; round++) {
    for (let i = 1; i <= 20; i++) {
      const hostname = `127.0.1.${i}`;
      const one = await scene.ask(hostname);
      assertEquals(one, chosen.get(hostname) ?? one);
      chosen.set(hostname, one);
    }
  }
  assertEquals(new Set(chosen.values()).size, 2);
});

Deno.test("least-conn sends a session of UDP to the destination that has fewest of them", async () => {
  await using scene = await Scene.start({ balance: "least-conn" });
  const { balancer } = scene.balancer;
  const chosen = [await scene.ask(), await scene.ask(), await scene.ask(), await scene.ask()];
  assertEquals(chosen.toSorted(), [0, 0, 1, 1]);
  for (const [i, one] of chosen.entries()) if (one === 0) balancer.endSession(i + 1);
  await until(() => scene.balancer.status.active === 2, "two are over");
  assertEquals([await scene.ask(), await scene.ask()], [0, 0]);
});

Deno.test("first fills the slots of one destination of UDP before the next", async () => {
  await using scene = await Scene.start({ balance: "first", workers: "2" });
  const chosen: number[] = [];
  for (let i = 0; i < 4; i++) chosen.push(await scene.ask());
  assertEquals(chosen, [0, 0, 1, 1]);
});

Deno.test("--rate-per-ip counts sessions of UDP, not datagrams", async () => {
  await using scene = await Scene.start({ ratePerIp: "3" });
  for (let i = 0; i < 3; i++) await scene.ask();
  for (const client of scene.clients) for (let i = 0; i < 5; i++) await client.ask("more");
  await using late = new UdpClient(scene.balancer.port);
  await late.send("too many");
  await until(() => scene.balancer.status.ended["refused-rate"] === 1, "it is refused");
  assert(await scene.ask("127.0.0.9") >= 0);
  assertEquals(late.received, []);
});
