import { monotonic } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import { after, sleep } from "../../base/timer.ts";
import { type Config, nameOf } from "../../config/config.ts";
import { type DestinationConfig, isTemplate } from "../../config/destination_text.ts";
import { Destination } from "../../destinations/destination.ts";
import { runCheck } from "../../destinations/probe.ts";
import { makeResolver } from "../../net/dns/resolver.ts";
import { ListenerNames } from "../../net/listener_names.ts";

/** How many destinations of a listener are tried at a time. */
const AT_A_TIME = 16;

/** The pause before all are tried again, in milliseconds. */
const PAUSE_MS = 250;

/** Longest time for one of them where connects are unlimited, in milliseconds. */
const LONGEST_TRY_MS = 5000;

/** Options of {@linkcode rehearse}. */
export interface RehearsalOptions {
  /** Ends it: this process is to stop. */
  readonly signal: AbortSignal;
  /** How long to go on trying, in milliseconds. */
  readonly patience: number;
}

/**
 * Tries, before an address is bound at which the kernel would deal clients to this process, whether
 * each of these listeners has a destination that can be connected, and passes its check if it has one.
 * What is no server (a program, a service), and a name whose records are not known yet, counts as such.
 *
 * @returns Why one has none, in words.
 */
export async function rehearse(
  configs: readonly Config[],
  options: RehearsalOptions,
): Promise<string | undefined> {
  const found = await Promise.all(configs.map(async (config) => {
    const reason = await reasonAgainst(config, options);
    return reason === undefined ? [] : [`no destination of ${nameOf(config)} answers: ${reason}`];
  }));
  return found.flat()[0];
}

async function reasonAgainst(
  config: Config,
  { signal, patience }: RehearsalOptions,
): Promise<string | undefined> {
  const usable = config.configured.filter(({ weight }) => weight > 0);
  if (usable.some(isTemplate)) return undefined;
  const resolver = makeResolver(config.resolver);
  const names = new ListenerNames({ settings: config, resolver });
  const late = new AbortController();
  const timer = after(patience, () => late.abort());
  const limit = AbortSignal.any([signal, late.signal]);
  try {
    for (;;) {
      const reason = await tryAll(usable as DestinationConfig[], { config, names, limit });
      if (reason === undefined) return undefined;
      await sleep(PAUSE_MS, { signal: limit });
      if (limit.aborted) return signal.aborted ? undefined : reason;
    }
  } finally {
    timer.stop();
    resolver.close();
  }
}

/** Tries them until one passes; returns what was wrong with the first otherwise. */
async function tryAll(
  destinations: readonly DestinationConfig[],
  options: { config: Config; names: ListenerNames; limit: AbortSignal },
): Promise<string | undefined> {
  const passed = new AbortController();
  const limit = AbortSignal.any([options.limit, passed.signal]);
  const left = [...destinations];
  let reason: string | undefined;
  async function take(): Promise<void> {
    for (let one = left.shift(); one && !limit.aborted; one = left.shift()) {
      try {
        await tryOne(one, { ...options, limit });
        passed.abort();
      } catch (error) {
        if (!passed.signal.aborted) reason ??= `${one.name}: ${messageOf(error)}`;
      }
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, take));
  return passed.signal.aborted ? undefined : reason ?? "there is none";
}

/** @throws If it cannot be connected, or does not pass. */
async function tryOne(
  destination: DestinationConfig,
  { config, names, limit }: { config: Config; names: ListenerNames; limit: AbortSignal },
): Promise<void> {
  // Without a check nobody can tell of a port of UDP.
  if (destination.address.transport === "udp") return;
  const { connector } = new Destination(destination, monotonic, 1, { names });
  const { check } = destination;
  const timeout = (check ? config.checkTimeout : config.connectTimeout) || LONGEST_TRY_MS;
  const late = new AbortController();
  const timer = after(timeout, () => late.abort(new Error(`no answer within ${timeout} ms`)));
  try {
    if (!connector.isTried && !check) return;
    const signal = AbortSignal.any([limit, late.signal]);
    const host = connector.description;
    await runCheck(check ?? { kind: "tcp" }, { connector, host, signal, timeout });
  } finally {
    timer.stop();
    connector.close?.();
  }
}
