import { seededRandom } from "../../bench/statistics.ts";
import { Balancer } from "./balancer.ts";
import { Client } from "./client.ts";
import { Clockwork } from "./clockwork.ts";
import { type Measures, Measuring } from "./measuring.ts";
import type { Scene } from "./scene.ts";
import { Server } from "./server.ts";

/** More slots than anybody fills. */
const UNBOUNDED = 1_000_000;

/**
 * A discrete-event simulation of balancers in front of the same servers: each is the queue, the
 * policy, the worker pool and the workers of the program; only time and servers are simulated.
 *
 * @param options.turns See {@linkcode Clockwork}.
 */
export async function simulate(
  scene: Scene,
  options: { turns?: number } = {},
): Promise<Measures> {
  const { policy, hashWait, share, slow, overhead = 0, travel = 0, warmUp } = scene;
  const clockwork = new Clockwork(options);
  const measuring = new Measuring(clockwork, { number: scene.clients, warmUp, travel });
  const servers = scene.servers
    .flatMap((kind) => Array.from({ length: kind.number }, () => kind))
    .map((kind, i) => new Server(i, kind, { clockwork, observer: measuring, slow, overhead }));
  const balancers = Array.from({ length: scene.balancers }, (_, i) => {
    return new Balancer({
      clockwork,
      policy,
      hashWait,
      servers,
      slotsOf: ({ slots }) => slotsOf(slots, { share, balancers: scene.balancers }),
      random: seededRandom(scene.seed + i),
    });
  });

  const coming = scene.visits[Symbol.iterator]();
  let number = 0;
  function expectNext(): void {
    const { value: visit, done } = coming.next();
    if (done) return measuring.end();
    clockwork.at(visit.at, () => {
      const client = new Client(visit, number++);
      measuring.onArrival(client);
      balancers[visit.balancer]!.accept(client);
      expectNext();
    });
  }
  expectNext();
  await clockwork.run();
  return measuring.of(servers, balancers.reduce((sum, { unbound }) => sum + unbound, 0));
}

function slotsOf(
  slots: number,
  { share, balancers }: Pick<Scene, "share" | "balancers">,
): number {
  if (share === "all") return slots;
  return share === "split" ? slots / balancers : UNBOUNDED;
}
