import type { Logger } from "@logtape/logtape";
import { messageOf } from "../../base/errors.ts";
import { sleep } from "../../base/timer.ts";
import { plural } from "../../base/text.ts";
import type { Resolver } from "../../net/dns/records.ts";
import type { RecordsName } from "../../net/records_name.ts";
import { find, MOST_SERVERS } from "./find.ts";
import { type Finding, type Found, isSame } from "./found.ts";

/** Shortest time between two look-ups of a name, in milliseconds. */
export const SHORTEST_PAUSE_MS = 1000;

/** How much a pause is longer or shorter by chance, as a part of it: not all names at once. */
const JITTER = 0.1;

/** Shortest time between two lines in the log about the same trouble of one name, in milliseconds. */
const TELL_AGAIN_MS = 60_000;

/** What a name is watched by; another one counts from the next look-up on. */
export interface WatchSettings {
  /** Longest time between two look-ups, in milliseconds. */
  readonly resolveInterval: number;
  /** What becomes of the servers when name servers say that there is none. */
  readonly resolveEmpty: "keep" | "drain";
}

/** Waits between look-ups, or until the signal is aborted. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>;

/** Options of {@linkcode Watch}. */
export interface WatchOptions {
  /** What is looked up. */
  lookup: RecordsName;
  /** What it is called. */
  name: string;
  resolver: Pick<Resolver, "resolve">;
  settings(): WatchSettings;
  /** Takes the servers when they are others, or have other weights or tiers. */
  onChange(servers: readonly Found[]): void | Promise<void>;
  log: Logger;
  /** Whether a server is the listener itself, which is left out; none is unless given. */
  isOwn?: ((server: Found) => boolean) | undefined;
  /** Waits between look-ups; by the clock unless given. */
  pause?: Pause | undefined;
  /** By chance, from 0 up to 1. */
  random?: () => number;
}

/**
 * Looks one name up again and again: one look-up at a time, and what it finds is applied before the
 * next one.
 *
 * The next one follows when the records are too old, after the interval at the latest, never within
 * a second; after a failure within a second, then after pauses that double up to the interval. What
 * was found last stays through every failure.
 */
export class Watch {
  /** What is looked up, and who wants to know. */
  readonly #options: WatchOptions;
  /** Aborted when it ends. */
  readonly #ending = new AbortController();
  /** Ends the pause before the next look-up. */
  #wake: (() => void) | undefined;
  /** Whether there was a reason to look while a look-up was under way. */
  #again = false;
  /** What it leads to by now. */
  #servers: readonly Found[] = [];
  /** Whether these could not be applied. */
  #unapplied = false;
  /** Look-ups that failed, or only partly succeeded. */
  #failures = 0;
  /** How many of them in a row, up to now. */
  #failuresInRow = 0;
  /** What was wrong with the latest look-up; empty if nothing was. */
  #lastError = "";
  /** When it was last answered in full, by the clock of the process. */
  #answeredAt: number | undefined;
  /** When the log was last told of each kind of trouble. */
  readonly #told = new Map<string, number>();
  /** Whether it was told of one and not of its end. */
  #troubled = false;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /** What it leads to by now. */
  get servers(): readonly Found[] {
    return this.#servers;
  }

  /** Look-ups that failed, or only partly succeeded. */
  get failures(): number {
    return this.#failures;
  }

  /** What was wrong with the latest look-up; empty if nothing was. */
  get lastError(): string {
    return this.#lastError;
  }

  /** How long ago it was last answered in full, in milliseconds; `null` if it never was. */
  get age(): number | null {
    return this.#answeredAt === undefined ? null : performance.now() - this.#answeredAt;
  }

  /** Looks it up again and again until it is stopped. */
  async run(): Promise<void> {
    const { signal } = this.#ending;
    const { pause = (ms, signal) => sleep(ms, { signal }) } = this.#options;
    while (!signal.aborted) {
      this.#again = false;
      const length = await this.#lookUp();
      if (signal.aborted) return;
      if (this.#again) continue;
      const pausing = new AbortController();
      this.#wake = () => pausing.abort();
      await pause(this.#vary(length), pausing.signal);
      this.#wake = undefined;
    }
  }

  /** Looks it up at once: who is asked, or how often, has changed. */
  look(): void {
    this.#again = true;
    this.#wake?.();
  }

  /** Ends it at once: a look-up under way is given up. */
  stop(): void {
    this.#ending.abort(new Error("the name is of no interest any more"));
    this.#wake?.();
  }

  /** Looks it up once. Returns the time until the next look-up, in milliseconds. */
  async #lookUp(): Promise<number> {
    const { lookup, resolver, isOwn } = this.#options;
    const { signal } = this.#ending;
    let finding: Finding;
    try {
      finding = await find(lookup, { resolver, known: this.#servers, signal });
    } catch (error) {
      return signal.aborted ? 0 : this.#noteFailure(error);
    }
    if (finding.kind === "empty") return await this.#takeNothing(finding);
    const servers = isOwn ? finding.servers.filter((one) => !isOwn(one)) : finding.servers;
    if (servers.length === 0) return this.#noteFailure(new Error("it is this listener itself"));
    await this.#take(servers);
    if (finding.trouble !== undefined) return this.#noteFailure(finding.trouble, "in part");
    this.#noteAnswer("");
    if (servers.length < finding.servers.length) this.#tellOfOwn();
    else if (finding.beyond > 0) this.#tellOfMany(finding.beyond);
    else this.#tellOfRecovery();
    return this.#untilOld(finding.ttl);
  }

  async #takeNothing({ why, ttl }: Extract<Finding, { kind: "empty" }>): Promise<number> {
    this.#noteAnswer(why);
    const { log, name, settings } = this.#options;
    const number = this.#servers.length;
    const drains = settings().resolveEmpty === "drain";
    if (this.#isNews("empty")) {
      const what = serversAre(number, drains ? "drained" : "kept");
      log.warning("{name} has no records, {what}: {why}", { name, what, why });
    }
    if (drains) await this.#take([]);
    return this.#untilOld(ttl ?? Infinity);
  }

  async #take(servers: readonly Found[]): Promise<void> {
    if (isSame(servers, this.#servers) && !this.#unapplied) return;
    this.#servers = servers;
    const { log, name, onChange } = this.#options;
    try {
      await onChange(servers);
      this.#unapplied = false;
    } catch (error) {
      this.#unapplied = true;
      log.error("what {name} leads to is in force only in part, and is tried again: {error}", {
        name,
        error,
      });
    }
  }

  #noteAnswer(lastError: string): void {
    this.#failuresInRow = 0;
    this.#lastError = lastError;
    this.#answeredAt = performance.now();
  }

  #noteFailure(error: unknown, extent?: "in part"): number {
    const { log, name, settings } = this.#options;
    this.#failures++;
    this.#lastError = messageOf(error);
    const number = this.#servers.length;
    if (this.#isNews("failure")) {
      const what = serversAre(number, "kept");
      const problem = extent ? "is looked up only in part" : "cannot be looked up";
      log.warning("{name} {problem}, {what}: {reason}", {
        name,
        problem,
        what,
        reason: this.#lastError,
      });
    }
    const pause = SHORTEST_PAUSE_MS * 2 ** Math.min(this.#failuresInRow++, 30);
    return Math.min(pause, settings().resolveInterval);
  }

  #tellOfOwn(): void {
    const { log, name } = this.#options;
    if (this.#isNews("own")) {
      log.warning("{name} leads to this listener, too, which is left out", { name });
    }
  }

  #tellOfMany(beyond: number): void {
    if (!this.#isNews("many")) return;
    const { log, name } = this.#options;
    log.warning("{name} has {number} records too many, {most} count", {
      name,
      number: beyond,
      most: MOST_SERVERS,
    });
  }

  #tellOfRecovery(): void {
    if (!this.#troubled) return;
    this.#troubled = false;
    const { log, name } = this.#options;
    log.info("{name} is looked up again, and leads to {servers}", {
      name,
      servers: plural(this.#servers.length, "server"),
    });
  }

  /** Whether the log has not heard of this kind of trouble for a while; takes it as told. */
  #isNews(trouble: "failure" | "empty" | "many" | "own"): boolean {
    const now = performance.now();
    if (now - (this.#told.get(trouble) ?? -Infinity) < TELL_AGAIN_MS) return false;
    this.#told.set(trouble, now);
    this.#troubled = true;
    return true;
  }

  #untilOld(ttl: number): number {
    return Math.min(ttl * 1000, this.#options.settings().resolveInterval);
  }

  #vary(length: number): number {
    const { random = Math.random } = this.#options;
    return Math.max(SHORTEST_PAUSE_MS, length * (1 - JITTER + 2 * JITTER * random()));
  }
}

function serversAre(number: number, fate: "kept" | "drained"): string {
  if (number === 0) return "there is no server for it yet";
  const [one, several] = fate === "kept"
    ? ["stays in use", "stay in use"]
    : ["is drained", "are drained"];
  return `its ${plural(number, "server")} ${number === 1 ? one : several}`;
}
