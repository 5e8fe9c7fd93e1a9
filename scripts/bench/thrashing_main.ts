// A server of which it is known how much it finishes with how many: `… thrashing_main.ts PORT KIND`.

import { PHASE_MS } from "./workers_servers.ts";

/** Sessions per second that are finished while so many are there. */
const KINDS: Record<string, (active: number) => number> = {
  thrashing,
  /** In turn one that is best with 8 and one that is best with 2. */
  changing(active) {
    return thrashing(Math.floor(performance.now() / PHASE_MS) % 2 === 0 ? active : 4 * active);
  },
  flat: (active) => 50 * Math.min(active, 8),
  "one at a time": () => 100,
};

/** Most at 8, and next to nothing from 30 on. */
function thrashing(active: number): number {
  if (active <= 8) return 50 * active;
  return active < 30 ? 400 * (1 - 0.9 * (active - 8) / 22) : 40;
}

/** A session that is served. */
interface Job {
  /** What is left to do, 1 on average at first. */
  left: number;
  done(): void;
}

const [port, kind] = Deno.args;
const capacity = KINDS[kind!]!;
const jobs = new Set<Job>();
let latest = performance.now();

// Timers are a millisecond late: what was left over by then goes to the next ones.
setInterval(() => {
  const now = performance.now();
  let ms = now - latest;
  latest = now;
  while (jobs.size > 0 && ms > 0) {
    const rate = capacity(jobs.size) / 1000 / jobs.size;
    const least = Math.min(...[...jobs].map(({ left }) => left));
    const step = Math.min(ms, least / rate);
    ms -= step;
    for (const job of jobs) {
      job.left -= step * rate;
      if (job.left > 1e-9) continue;
      jobs.delete(job);
      job.done();
    }
  }
}, 1);

for await (const conn of Deno.listen({ hostname: "127.0.0.1", port: Number(port) })) {
  serve(conn).catch(() => {}).finally(() => conn.close());
}

async function serve(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(64);
  if (await conn.read(buffer) === null) return;
  const left = -Math.log(1 - Math.random());
  await new Promise<void>((done) => void jobs.add({ left, done }));
  await conn.write(buffer);
}
