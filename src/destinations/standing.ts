import type { AgentReport } from "./agent_report.ts";
import type { Clock } from "../base/clock.ts";
import { cut } from "../base/text.ts";
import type { CheckSeen, ErrorSeen } from "../operations/destination_facts.ts";
import type { AdminState, ShownState } from "../operations/states.ts";

/**
 * Whether a destination takes sessions: `untried` it does, though nobody has reached it yet; `up` it
 * does; `suspect` it does not, since a connect has failed and a probe is to tell whether that was
 * chance; `down` it does not, since `--fall` connects, probes or checks in a row have failed.
 */
export type DestinationState = "untried" | "up" | "suspect" | "down";

/** What a destination is like and since when, and what was seen of it last. */
export class Standing {
  readonly #clock: Clock;
  /** What its server says of itself. */
  readonly #report: () => AgentReport;
  #health: DestinationState = "untried";
  /** Times that it was found to be down. */
  downs = 0;
  #admin: AdminState = "ready";
  #leaving = false;
  /** What it shows, and since when. */
  #shown: ShownState = "untried";
  #since: number;
  /** What failed last, and when. */
  #error: { text: string; at: number } | undefined;
  /** What the latest check or probe found, and when it ended. */
  #check: { ok: boolean; at: number; took: number } | undefined;

  constructor(clock: Clock, report: () => AgentReport) {
    this.#clock = clock;
    this.#report = report;
    this.#since = clock();
  }

  get health(): DestinationState {
    return this.#health;
  }

  set health(health: DestinationState) {
    if (health === "down" && this.#health !== "down") this.downs++;
    this.#health = health;
    this.review();
  }

  /** What the operator wants of it. */
  get admin(): AdminState {
    return this.#admin;
  }

  set admin(admin: AdminState) {
    this.#admin = admin;
    this.review();
  }

  /** Whether it was removed from the configuration and only finishes its sessions. */
  get leaving(): boolean {
    return this.#leaving;
  }

  set leaving(leaving: boolean) {
    this.#leaving = leaving;
    this.review();
  }

  /** Whether it may take sessions as far as its health is concerned. */
  get usable(): boolean {
    return this.#health === "up" || this.#health === "untried";
  }

  /** What it is like, in one word: what the operator wants, then its server, then its health. */
  get shown(): ShownState {
    if (this.#leaving) return "drain";
    if (this.#admin !== "ready") return this.#admin;
    const { admin, down, said } = this.#report();
    if (admin !== "ready") return admin;
    if (down) return "down";
    return this.usable && said.weight?.value === 0 ? "drain" : this.#health;
  }

  /** What it shows may be something else now. */
  review(): void {
    const { shown } = this;
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#since = this.#clock();
  }

  /**
   * A connect, a probe or a check has failed.
   *
   * @param address Where it is, which everybody sees who sees the error, and is left out of it.
   */
  noteError(text: string, address: string): void {
    const own = text.startsWith(`${address}: `) ? text.slice(address.length + 2) : text;
    this.#error = { text: cut(own.replaceAll(/ \(os error \d+\)/g, "")), at: this.#clock() };
  }

  /** What has failed last; empty if nothing has. */
  get error(): string {
    return this.#error?.text ?? "";
  }

  /** A check or a probe that began at this time has ended. */
  noteCheck({ ok, began }: { ok: boolean; began: number }): void {
    const at = this.#clock();
    this.#check = { ok, at, took: at - began };
  }

  /** All that operators see of it beside the state. */
  get facts(): {
    state_age_ms: number;
    last_error: ErrorSeen | null;
    last_check: CheckSeen | null;
  } {
    const now = this.#clock();
    const [error, check] = [this.#error, this.#check];
    return {
      state_age_ms: Math.round(now - this.#since),
      last_error: error ? { text: error.text, age_ms: Math.round(now - error.at) } : null,
      last_check: check
        ? {
          ok: check.ok,
          age_ms: Math.round(now - check.at),
          took_ms: Math.round(10 * check.took) / 10,
        }
        : null,
    };
  }
}
