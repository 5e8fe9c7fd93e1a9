import type { Config, Reporter } from "./config.ts";

/** How many threads a configuration asks for; "auto" is never more than can share its limits. */
export function threadsOf(config: Config): number {
  const { threads, queue, maxConnections, destinations, listen, maxPerIp, ratePerIp } = config;
  if (threads > 0) return threads;
  if (listen.transport === "unix" || maxPerIp > 0 || ratePerIp > 0) return 1;
  const limits = [queue, maxConnections || Infinity, ...destinations.map(({ workers }) => workers)];
  return Math.min(navigator.hardwareConcurrency, ...limits);
}

/** Reports limits that cannot be divided among the threads. */
export function checkThreads(config: Config, { report, mention }: Reporter): void {
  if (config.threads <= 1) return;
  const number = threadsOf(config);
  const fail = (problem: string) => report({ option: "threads" }, problem);
  if (config.listen.transport === "unix") fail("a Unix-domain socket cannot be shared; must be 1");
  for (const option of ["maxPerIp", "ratePerIp"] as const) {
    if (config[option] > 0) fail(`${mention({ option })} counts in one thread only; must be 1`);
  }
  const undivided = (what: string, limit: number) => {
    if (limit < number) fail(`${what} cannot be divided by it; must be at most ${limit}`);
  };
  const { queue, maxConnections, destinations } = config;
  undivided(mention({ option: "queue" }, queue), queue);
  if (maxConnections > 0) {
    undivided(mention({ option: "maxConnections" }, maxConnections), maxConnections);
  }
  for (const [destination, { workers }] of destinations.entries()) {
    if (workers < number) undivided(`the workers of ${mention({ destination })}`, workers);
  }
}

/** The part of a configuration that one of so many threads runs by: every limit divided. */
export function shareOf(config: Config, index: number, number: number): Config {
  const share = (limit: number) => shareOfLimit(limit, index, number);
  return {
    ...config,
    queue: share(config.queue),
    maxConnections: share(config.maxConnections),
    destinations: config.destinations.map((destination) => {
      return { ...destination, workers: share(destination.workers) };
    }),
  };
}

/** The part of one limit that one of so many threads has. */
export function shareOfLimit(limit: number, index: number, number: number): number {
  return Math.floor(limit / number) + (index < limit % number ? 1 : 0);
}
