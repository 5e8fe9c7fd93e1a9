import { sleep } from "../../base/timer.ts";
import type { Status } from "../../operations/operations.ts";

/** How often it is looked, in milliseconds. */
const LOOK_MS = 20;

/** What a process is doing for whom, as another one that replaces it wants to know. */
export interface Facts {
  /** Where it listens, as one would write it; that of the admin API included. */
  readonly addresses: readonly string[];
  /** The names of its listeners. */
  readonly listeners: readonly string[];
  /** Those of which a destination is up: one that nobody has reached yet is not. */
  readonly serving: readonly string[];
}

/** The same by the status, and the address of the admin API if there is one. */
export function factsOf({ listeners }: Pick<Status, "listeners">, admin?: string): Facts {
  const running = listeners.filter(({ state }) => state === "running");
  const serving = running.filter(({ destinations }) => {
    return destinations.some(({ state, weight }) => state === "up" && weight > 0);
  });
  // One that drains may hold its address still, a port of UDP to its last session.
  const addresses = [...listeners.map(({ address }) => address), ...admin ? [admin] : []];
  return {
    addresses: addresses.flatMap((one) => one.startsWith("unix:") ? [one] : one.split(", ")),
    listeners: running.map(({ name }) => name),
    serving: serving.map(({ name }) => name),
  };
}

/**
 * Waits until each of these listeners that there is here can be served here, too: a configuration in
 * which a server is mistaken is no reason to let go who reaches that server.
 *
 * @param serving Those that the other process can serve.
 * @param options.patience How long to wait, in milliseconds.
 * @returns Those that still cannot.
 */
export async function lagging(
  serving: readonly string[],
  { facts, signal, patience }: {
    facts(): Promise<Facts>;
    signal: AbortSignal;
    patience: number;
  },
): Promise<string[]> {
  const end = performance.now() + patience;
  for (;;) {
    const here = await facts();
    const wanted = here.listeners.filter((name) => serving.includes(name));
    const missing = wanted.filter((name) => !here.serving.includes(name));
    if (missing.length === 0 || signal.aborted || performance.now() >= end) return missing;
    await sleep(LOOK_MS, { signal });
  }
}
