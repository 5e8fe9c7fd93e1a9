import { Bindings } from "../../../src/balancer/bindings.ts";
import { makePolicy } from "../../../src/balancer/policies/policies.ts";
import { Random } from "../../../src/balancer/policies/random.ts";
import type { Policy } from "../../../src/balancer/policies/policy.ts";
import { Queue } from "../../../src/balancer/queue.ts";
import { takeTurns, type TurnContext } from "../../../src/balancer/worker.ts";
import { WorkerPool } from "../../../src/balancer/worker_pool.ts";
import type { Settings } from "../../../src/config/options.ts";
import { TLS_OUT_ROWS } from "../../../src/config/options/tls_out.ts";
import { Destination } from "../../../src/destinations/destination.ts";
import { SessionRegistry } from "../../../src/session/registry.ts";
import type { Client } from "./client.ts";
import type { Clockwork } from "./clockwork.ts";
import type { Server } from "./server.ts";

/** Nobody is turned away. */
const CAPACITY = 100_000_000;

/** Options of {@linkcode Balancer}. */
interface BalancerOptions {
  readonly clockwork: Clockwork;
  readonly policy: Settings["balance"];
  /** What `--hash-wait` says, in milliseconds. */
  readonly hashWait: number | undefined;
  readonly servers: readonly Server[];
  /** Slots that it has at a server. */
  slotsOf(server: Server): number;
  /** What the policy `random` draws. */
  readonly random: () => number;
}

/**
 * One balancer as the program has it, without connections: its queue, its destinations, its policy,
 * its worker pool and the turns of its workers, in the time of a clockwork.
 */
export class Balancer {
  readonly #queue: Queue;
  readonly #bindings: Bindings;

  constructor({ clockwork, policy: name, hashWait, servers, slotsOf, random }: BalancerOptions) {
    const clock = () => clockwork.now;
    const policy = policyOf(name, { hashWait, random });
    const registry = new SessionRegistry({ clock, observer: { onEnd() {} } });
    const queue = new Queue({
      capacity: CAPACITY,
      registry,
      admission: UNLIMITED,
      clock,
      onWaiting(sessions) {
        pool.grow(sessions);
        bindings.watch();
      },
      bind: (sessions) => bindings.bind(sessions),
    });
    const bindings = new Bindings({
      policy,
      queue,
      clock,
      after: (ms, action) => clockwork.after(ms, action),
    });
    const context: TurnContext = {
      queue,
      registry,
      log: FAILING as unknown as TurnContext["log"],
      steps: SILENT as TurnContext["steps"],
      keeps: (destination) => pool.keeps(destination),
    };
    const pool = new WorkerPool({
      queue,
      policy,
      bindings,
      spawn(destination) {
        takeTurns(destination, context, (session) => {
          return servers[destination.number - 1]!.serve(session as unknown as Client);
        });
      },
    });
    for (const server of servers) pool.add(destinationOf(server, { clock, slotsOf }));
    pool.arrange();
    this.#queue = queue;
    this.#bindings = bindings;
  }

  /** Sessions that waited in vain for the destination that the policy had bound them to. */
  get unbound(): number {
    return this.#bindings.unbound;
  }

  /** Somebody comes. */
  accept(client: Client): void {
    this.#queue.join([client.asSession]);
  }
}

const UNLIMITED = {
  open: true,
  affordable: true,
  below: () => Promise.resolve(),
  afford: () => Promise.resolve(),
};

const SILENT = { on: false } as unknown;

/** Nothing may go wrong. */
const FAILING = {
  error(_: string, { error }: { error: unknown }): never {
    throw error;
  },
};

function policyOf(
  name: Settings["balance"],
  { hashWait, random }: { hashWait: number | undefined; random: () => number },
): Policy {
  if (name === "random") return new Random(random);
  return makePolicy(name, hashWait === undefined ? {} : { hashWait });
}

function destinationOf(
  server: Server,
  { clock, slotsOf }: { clock: () => number; slotsOf(server: Server): number },
): Destination {
  const number = server.number + 1;
  const { hostname, port } = server;
  const workers = slotsOf(server);
  const config = {
    address: { transport: "tcp", hostname, port },
    key: `${hostname}:${port}`,
    name: `${hostname}:${port}`,
    workers,
    "workers-max": workers,
    weight: 1,
    backup: 0,
    check: null,
    sni: [],
    alpn: [],
    "send-proxy": "off",
    tls: false,
    "tls-name": "",
    "tls-ca": TLS_OUT_ROWS["tls-ca"].default,
    "tls-cert": TLS_OUT_ROWS["tls-cert"].default,
    "tls-key": TLS_OUT_ROWS["tls-key"].default,
    "tls-insecure": false,
    "agent-check": null,
  } as const;
  return new Destination(config, clock, number);
}
