import type { Config } from "./config.ts";
import { UsageError } from "./errors.ts";

/** How many threads a configuration asks for; "auto" is never more than can share its limits. */
export function threadsOf(config: Config): number {
  const { threads, queue, maxConnections, destinations, listen, maxPerIp, ratePerIp } = config;
  if (threads > 0) return threads;
  if (listen.transport === "unix" || maxPerIp > 0 || ratePerIp > 0) return 1;
  const limits = [queue, maxConnections || Infinity, ...destinations.map(({ workers }) => workers)];
  return Math.min(navigator.hardwareConcurrency, ...limits);
}

/**
 * Makes sure that the limits can be divided among the threads.
 *
 * @throws {UsageError} If they cannot.
 */
export function assertDivisible(config: Config): void {
  const number = threadsOf(config);
  if (config.threads <= 1) return;
  const fail = (problem: string) => {
    throw new UsageError(`--threads ${JSON.stringify(String(number))}: ${problem}`);
  };
  if (config.listen.transport === "unix") fail("a Unix-domain socket cannot be shared; must be 1");
  if (config.maxPerIp > 0) fail("--max-per-ip counts in one thread only; must be 1");
  if (config.ratePerIp > 0) fail("--rate-per-ip counts in one thread only; must be 1");
  const { queue, maxConnections, destinations } = config;
  if (queue < number) fail(`--queue ${queue} cannot be divided by it; must be at most ${queue}`);
  if (maxConnections > 0 && maxConnections < number) {
    fail(`--max-connections cannot be divided by it; must be at most ${maxConnections}`);
  }
  for (const { name, workers } of destinations) {
    if (workers < number) {
      fail(`the workers of ${name} cannot be divided by it; must be at most ${workers}`);
    }
  }
}

/** The part of a configuration that one of so many threads runs by: every limit divided. */
export function shareOf(config: Config, index: number, number: number): Config {
  const share = (limit: number) => Math.floor(limit / number) + (index < limit % number ? 1 : 0);
  return {
    ...config,
    queue: share(config.queue),
    maxConnections: share(config.maxConnections),
    destinations: config.destinations.map((destination) => {
      return { ...destination, workers: share(destination.workers) };
    }),
  };
}
