import { assert, assertEquals } from "@std/assert";
import { QueueOrder } from "../../src/balancer/queue_order.ts";
import { readSettings } from "../../src/config/options.ts";
import { queueOf, sessionOf } from "../support/queue.ts";
import { Random } from "../support/random.ts";

const DESTINATION = { idleSignal: new AbortController().signal } as never;

/** The numbers of sessions with these clients, none for a UNIX socket, in the order of service. */
async function served(
  options: { queueOrder?: string; fairMask?: string; priority?: string },
  clients: readonly (string | undefined)[],
): Promise<string> {
  const queue = queueOf({ lanes: new QueueOrder().lanes(readSettings(options)) });
  await queue.join(clients.map((client, i) => sessionOf(i + 1, client ? { client } : {})));
  const ids: number[] = [];
  while (queue.size > 0) ids.push((await queue.receive(DESTINATION)).id);
  return ids.join(" ");
}

Deno.test("sessions are served in the order that the settings say", async () => {
  const clients = ["10.0.0.1", "10.0.0.1", undefined, "::ffff:10.0.0.1", undefined, "2001:db8::7"];
  assertEquals(await served({}, clients), "1 2 3 4 5 6");
  assertEquals(await served({ queueOrder: "fair" }, clients), "1 3 5 6 2 4");
  assertEquals(await served({ priority: "2001:db8::/32,unix=0" }, clients), "3 5 6 1 2 4");
  assertEquals(await served({ priority: "::/0=0,0.0.0.0/0=3" }, clients), "6 3 5 1 2 4");
});

Deno.test("the first entry that matches says the class, whatever form the address has", async () => {
  const clients = ["10.0.0.9", "10.0.0.1", "::ffff:10.0.0.2"];
  assertEquals(await served({ priority: "10.0.0.1,10.0.0.2=0,10.0.0.0/8=3" }, clients), "2 3 1");
  assertEquals(await served({ priority: "10.0.0.0/8=0,10.0.0.1=3" }, clients), "1 2 3");
});

Deno.test("whoever is put back keeps its place, and whoever leaves is out of its turn", async () => {
  const queue = queueOf({ lanes: new QueueOrder().lanes(readSettings({ queueOrder: "fair" })) });
  const sessions = ["a", "a", "b", "c"].map((name, i) => {
    return sessionOf(i + 1, { client: `10.0.0.${name.charCodeAt(0)}` });
  });
  await queue.join(sessions);
  assertEquals([queue.clients, queue.waiting.nextToShed?.id, queue.waiting.newest?.id], [3, 1, 4]);
  const first = await queue.receive(DESTINATION);
  queue.giveBack(first);
  assertEquals([queue.oldest?.id, queue.firstOf()?.id], [1, 1]);
  assertEquals((await queue.receive(DESTINATION)).id, 1);
  queue.newestFirst = true;
  assertEquals((await queue.receive(DESTINATION)).id, 3);
  assertEquals([...queue.sessions].map(({ id }) => id), [2, 4]);
  assertEquals([(await queue.receive(DESTINATION)).id, queue.clients], [4, 1]);
});

Deno.test("how many are before one that comes is known by the order, and by who it is", async () => {
  const random = new Random(11);
  const address = (n: number) => `10.0.0.${n}`;
  const priority = "10.0.0.1=0,10.0.0.2=1,10.0.0.4=3";
  for (
    const options of [{}, { queueOrder: "fair" }, { priority }, { priority, queueOrder: "fair" }]
  ) {
    for (const newestFirst of [false, true]) {
      for (let newcomer = 1; newcomer <= 6; newcomer++) {
        const queue = queueOf({ lanes: new QueueOrder().lanes(readSettings(options)) });
        const clients = Array.from({ length: 60 }, () => 1 + Math.floor(random.next() ** 2 * 5));
        const sessions = clients.map((n, i) => sessionOf(i + 1, { client: address(n) }));
        await queue.join(sessions);
        queue.newestFirst = newestFirst;
        const session = sessionOf(61, { client: address(newcomer) });
        const told = queue.aheadOf(session);
        if (newcomer === 6) assertEquals(queue.aheadOf(), told);
        await queue.join([session]);
        let ahead = 0;
        while (await queue.receive(DESTINATION) !== session) ahead++;
        const name = `${JSON.stringify(options)} ${newestFirst} ${newcomer}: ${told} and ${ahead}`;
        const turns = options.queueOrder ? new Set(clients).size : 0;
        // The shares of the classes are whole numbers only after 15 sessions.
        const classes = options.priority ? 15 : 0;
        assert(told >= ahead - classes && told <= ahead + turns + classes, name);
        if (newcomer === 6 && !options.priority) assertEquals(told, ahead, name);
      }
    }
  }
});

Deno.test("how many are before one of a low class is known by those who go on coming", async () => {
  const priority = "10.0.0.1=0,10.0.0.3=3";
  const queue = queueOf({ lanes: new QueueOrder().lanes(readSettings({ priority })) });
  let id = 0;
  const session = (client: string) => sessionOf(++id, { client });
  const join = (client: string) => queue.join([session(client)]);
  for (let i = 0; i < 40; i++) await join("10.0.0.3");
  const taken = async () => {
    await join("10.0.0.1");
    return await queue.receive(DESTINATION);
  };
  // For each one of the low class that is taken, a few of the high class have come.
  for (let i = 0; i < 200; i++) await taken();
  const last = session("10.0.0.3");
  const told = queue.aheadOf(last);
  await queue.join([last]);
  let ahead = 0;
  while (await taken() !== last) ahead++;
  assert(Math.abs(told - ahead) <= ahead / 4, `${told} told, ${ahead} were`);
});
