import type { Logger } from "@logtape/logtape";
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import { Pause } from "../base/pause.ts";
import { after, type Timer } from "../base/timer.ts";
import type { AgentCheck } from "../config/values/agent_check.ts";
import type { Release } from "../net/descriptor_budget.ts";
import { askAgent } from "./agent_question.ts";
import { type AgentWords, readAgentLine } from "./agent_words.ts";
import type { Connector } from "./connector.ts";
import type { Destination } from "./destination.ts";

/** Time for one answer where checks have no limit, in milliseconds. */
const DEFAULT_TIMEOUT_MS = 5000;

/** Failures of one agent that follow each other this closely are told once, in milliseconds. */
const FAILURE_EPISODE_MS = 60_000;

/** Least time between two lines about what one agent wants, in milliseconds. */
const CHANGE_PAUSE_MS = 1000;

/** Options of {@linkcode AgentWatch}. */
export interface AgentWatchOptions {
  /** Where it is, as configured. */
  place: AgentCheck;
  connector: Connector;
  /** How often, and for how long, in milliseconds; may change. */
  settings(): { readonly checkInterval: number; readonly checkTimeout: number };
  /** Gets a descriptor to ask with, as soon as there is one; without it there always is. */
  claim?: ((signal: AbortSignal) => Promise<Release>) | undefined;
  /** Whether the first question comes at once, and not somewhen in the first interval. */
  soon: boolean;
  clock: Clock;
  log: Logger;
  /** Takes each answer that can be understood, in part at least. */
  onWords(words: AgentWords): void;
}

/**
 * Asks the agent of one destination, once an interval: one question at a time, beside its checks,
 * which never wait for it. Whatever is wrong with an answer changes nothing; it is counted, and told
 * from time to time.
 */
export class AgentWatch {
  /** Whose agent it is. */
  readonly #destination: Destination;
  /** Where it is, how it is asked, and who wants to know. */
  readonly #options: AgentWatchOptions;
  /** When the latest question began, by the clock. */
  #askedAt: number;
  /** The pause before the next one. */
  readonly #pausing = new Pause();
  /** Ends the question under way. */
  #limit: AbortController | undefined;
  /** Whether the watch has ended. */
  #stopped = false;
  /** What the log says that it wants, and since when. */
  #told = { what: "up", at: -Infinity };
  /** When the log said that something is wrong, and whether it has said that it is over. */
  #failure = { at: -Infinity, over: true };

  constructor(destination: Destination, options: AgentWatchOptions) {
    this.#destination = destination;
    this.#options = options;
    const { clock, soon, settings } = options;
    // Staggered, so that the questions to many agents do not come in one burst.
    this.#askedAt = soon ? -Infinity : clock() - settings().checkInterval * Math.random();
  }

  /** Where the agent is that it asks. */
  get place(): AgentCheck {
    return this.#options.place;
  }

  /** Asks until it is stopped. */
  async run(): Promise<void> {
    while (!this.#stopped) {
      const pause = this.#pause();
      if (pause > 0) await this.#pausing.take(pause);
      else await this.#ask();
    }
  }

  /** Ends the watch, and the question under way. */
  stop(): void {
    this.#stopped = true;
    this.#pausing.end();
    this.#limit?.abort(new Error("no more of interest"));
  }

  /** The interval may have changed, or what the operator wants. */
  reconsider(): void {
    this.#pausing.end();
  }

  #pause(): number {
    // What the operator does not want to be looked at is left alone.
    if (this.#destination.admin === "maint") {
      this.#askedAt = -Infinity;
      return Infinity;
    }
    const { clock, settings } = this.#options;
    return this.#askedAt + settings().checkInterval - clock();
  }

  async #ask(): Promise<void> {
    const { connector, claim, clock, settings, onWords } = this.#options;
    this.#askedAt = clock();
    const limit = this.#limit = new AbortController();
    let release: Release | undefined;
    let timer: Timer | undefined;
    try {
      release = await claim?.(limit.signal);
      const timeout = settings().checkTimeout || DEFAULT_TIMEOUT_MS;
      timer = after(timeout, () => limit.abort(new Error(`no answer within ${timeout} ms`)));
      const words = readAgentLine(await askAgent(connector, { signal: limit.signal, timeout }));
      if (this.#stopped) return;
      onWords(words);
      if (words.problem === undefined) this.#succeed();
      else this.#fail(`it says ${JSON.stringify(words.problem)}, which means nothing`);
      this.#tellChange();
    } catch (error) {
      if (!this.#stopped) this.#fail(messageOf(error));
    } finally {
      timer?.stop();
      release?.();
      this.#limit = undefined;
    }
  }

  #fail(reason: string): void {
    const { clock, log } = this.#options;
    const destination = this.#destination;
    destination.agentFailures++;
    const now = clock();
    if (now - this.#failure.at < FAILURE_EPISODE_MS) {
      log.debug("agent of {name} failed: {reason}", { name: destination.name, reason });
      return;
    }
    this.#failure = { at: now, over: false };
    log.warning("agent of {name} failed, what it has said before counts: {reason}", {
      name: destination.name,
      reason,
    });
  }

  #succeed(): void {
    if (this.#failure.over) return;
    this.#failure.over = true;
    this.#options.log.info("agent of {name} answers again", { name: this.#destination.name });
  }

  /** What it wants is told when it has changed, and not more often than one can read. */
  #tellChange(): void {
    const { clock, log } = this.#options;
    const { name, agent: { admin, said: { health = "up", reason, weight } } } = this.#destination;
    const what = [
      ...(admin === "ready" ? [] : [admin]),
      ...(health === "up" ? [] : [reason ? `${health} (${reason})` : health]),
      ...(weight?.value === 0 ? ["0%"] : []),
    ].join(" and ") || "up";
    const now = clock();
    if (what === this.#told.what || now - this.#told.at < CHANGE_PAUSE_MS) return;
    this.#told = { what, at: now };
    const line = "agent of {name} says {what}";
    if (health === "up") log.info(line, { name, what });
    else log.warning(line, { name, what });
  }
}
