import { NO_TLS } from "../../tests/support/no_tls.ts";
// What the queue, the worker pool and a policy cost for one session: `deno task bench`. Each run serves
// SESSIONS of them, of which so many are served at a time as there are destinations.
import { type Audience, only } from "../../src/async/audience.ts";
import { Bindings } from "../../src/balancer/bindings.ts";
import { makePolicy } from "../../src/balancer/policies/policies.ts";
import { Queue } from "../../src/balancer/queue.ts";
import { WorkerPool } from "../../src/balancer/worker_pool.ts";
import { OPTIONS, type Settings } from "../../src/config/options.ts";
import { Destination } from "../../src/destinations/destination.ts";
import { SessionRegistry } from "../../src/session/registry.ts";
import type { Session } from "../../src/session/session.ts";

const SESSIONS = 100_000;

function destination(port: number): Destination {
  const address = { transport: "tcp", hostname: "127.0.0.1", port } as const;
  const rest = {
    name: `${port}`,
    workers: 256,
    "workers-max": 256,
    weight: 1,
    backup: 0,
    check: null,
    sni: [],
    alpn: [],
    "send-proxy": "off" as const,
    ...NO_TLS,
    "agent-check": null,
  };
  const config = { address, key: `${port}`, ...rest };
  return new Destination(config, () => 0, port);
}

for (const balance of OPTIONS.balance.notation!.words as readonly Settings["balance"][]) {
  for (const bound of [false, true]) {
    for (const number of [2, 1000]) {
      const name = `${number} destinations${bound ? ", each session bound to one" : ""}`;
      Deno.bench(name, { group: `100,000 sessions, ${balance}` }, async () => {
        await serve(number, { balance, bound });
      });
    }
  }
}

async function serve(
  number: number,
  { balance, bound }: { balance: Settings["balance"]; bound: boolean },
): Promise<void> {
  const clock = () => 0;
  const queue = new Queue({
    capacity: 1024,
    registry: new SessionRegistry({ clock, observer: { onEnd() {} } }),
    admission: {
      open: true,
      affordable: true,
      below: () => Promise.resolve(),
      afford: () => Promise.resolve(),
    },
    clock,
    onWaiting(sessions) {
      pool.grow(sessions);
      bindings.watch();
    },
    bind: (sessions) => bindings.bind(sessions),
  });
  const policy = makePolicy(balance);
  const bindings = new Bindings({ policy, queue, clock });
  const pool = new WorkerPool({ queue, policy, bindings, spawn: (one) => work(one) });
  const destinations = Array.from({ length: number }, (_, i) => destination(i + 1));
  let served = 0;
  async function work(one: Destination): Promise<void> {
    one.workers++;
    try {
      do {
        await queue.receive(one);
        one.active++;
        await null;
        served++;
        one.active--;
      } while (pool.keeps(one));
    } catch {
      // It was dismissed at the end.
    } finally {
      one.workers--;
    }
  }
  for (const one of destinations) pool.add(one);
  pool.arrange();
  for (let id = 1; id <= SESSIONS; id++) {
    const audience: Audience | undefined = bound ? only(destinations[id % number]!) : undefined;
    const clientAddress = { transport: "tcp", hostname: `10.0.${id & 255}.1`, port: 1 };
    const session = { id, arrival: 0, audience, clientAddress, reason: undefined, wait() {} };
    queue.join([session as unknown as Session]);
    if (id % 2 === 0) await null;
  }
  while (served < SESSIONS) await null;
  bindings.stop();
  for (const one of destinations) one.dismiss();
}
