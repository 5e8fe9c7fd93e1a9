import type { Logger } from "@logtape/logtape";
import type { Clock } from "../base/clock.ts";
import type { EndReason } from "../operations/end_reasons.ts";
import type { Session } from "../session/session.ts";
import { after, type Timer } from "../base/timer.ts";

/** Shortest time between two lines about refusals, in milliseconds. */
const PERIOD_MS = 1000;

/**
 * Tells the log about connections that were refused: the first at once, those that follow within a
 * second in one line, so that a flood of them does not become a flood of lines.
 */
export class RefusalLog {
  /** Tells when a line is due. */
  readonly #clock: Clock;
  /** Gets the lines. */
  readonly #log: Logger;
  /** What has happened to them, in words. */
  readonly #what: string;
  /** Refusals since the latest line, by reason. */
  readonly #counts = new Map<EndReason, number>();
  /** The latest of these: who it was, through whom, and what was wrong. */
  #latest = { client: "", peer: "", problem: "" };
  /** When the latest line was written. */
  #toldAt = -Infinity;
  /** Writes the next line when it is time. */
  #timer: Timer | undefined;

  /** @param options.what What has happened to them: the first words of the lines. */
  constructor(options: { clock: Clock; log: Logger; what: string }) {
    this.#clock = options.clock;
    this.#log = options.log;
    this.#what = options.what;
  }

  /** A connection was refused. */
  note(reason: EndReason, { session, problem = "" }: { session: Session; problem?: string }): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
    const peer = session.forwarded ? session.peerName : "";
    this.#latest = { client: session.clientName, peer, problem };
    const wait = this.#toldAt + PERIOD_MS - this.#clock();
    if (wait <= 0) this.flush();
    else this.#timer ??= after(wait, () => this.flush());
  }

  /** Writes the line that is due, if there is one. */
  flush(): void {
    this.#timer?.stop();
    this.#timer = undefined;
    if (this.#counts.size === 0) return;
    const reasons = [...this.#counts].map(([reason, number]) => `${number} ${reason}`).join(", ");
    const { client, peer, problem } = this.#latest;
    const message = `${this.#what}: {reasons}, the latest from {client}` +
      (peer && " through {peer}") + (problem && ": {problem}");
    this.#log.warning(message, {
      reasons,
      client,
      ...peer && { peer },
      ...problem && { problem },
    });
    this.#counts.clear();
    this.#toldAt = this.#clock();
  }
}
