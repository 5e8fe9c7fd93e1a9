import type { Logger } from "@logtape/logtape";
import { after, type Timer } from "../base/timer.ts";

/** How many are told of in a line each, with the reason, and for how long others are then collected. */
const TOLD = 3;
const WINDOW_MS = 1000;

/** Most names in a line, and most lines for reasons of different kinds. */
const MOST_NAMES = 100;
const MOST_KINDS = 8;

/** One that is down. */
interface Down {
  readonly name: string;
  readonly reason: string;
}

/**
 * Tells of destinations that are down and have never been up, such as those of a whole site that is
 * not there yet: the first ones in a line each, all others of the same moment in one line for each
 * kind of reason. Of several threads, each of which tries all of them, one tells.
 */
export class FirstDowns {
  readonly #log: Logger;
  readonly #isTold: boolean;
  /** How many were told of in this window. */
  #told = 0;
  /** Those that were not. */
  #others: Down[] = [];
  /** Ends the window. */
  #timer: Timer | undefined;
  #closed = false;

  constructor(log: Logger, { isTold = true }: { isTold?: boolean } = {}) {
    this.#log = log;
    this.#isTold = isTold;
  }

  /** One is down. */
  note(name: string, reason: string): void {
    if (!this.#isTold) {
      this.#log.debug("destination {name} is down here, too: {reason}", { name, reason });
      return;
    }
    if (this.#told >= TOLD && !this.#closed) return void this.#others.push({ name, reason });
    this.#told++;
    this.#tell(name, reason);
    if (!this.#closed) this.#timer ??= after(WINDOW_MS, () => this.flush());
  }

  /** Tells of all that it has not told of yet. */
  flush(): void {
    const others = this.#others;
    this.#timer?.stop();
    this.#timer = undefined;
    this.#others = [];
    this.#told = 0;
    const groups = [...Map.groupBy(others, ({ reason }) => kindOf(reason)).values()];
    const rest = groups.splice(MOST_KINDS - 1).flat();
    for (const group of [...groups, rest]) this.#tellAll(group);
  }

  /** Tells of what is left, and from now on of each at once. */
  close(): void {
    this.flush();
    this.#closed = true;
  }

  #tellAll(all: readonly Down[]): void {
    const latest = all.at(-1);
    if (!latest) return;
    const { name, reason } = latest;
    if (all.length === 1) return this.#tell(name, reason);
    const names = all.slice(0, MOST_NAMES).map(({ name }) => name);
    if (all.length > names.length) names.push(`and ${all.length - names.length} more`);
    this.#log.warning("{number} more destinations are down: {names}; the latest: {reason}", {
      number: all.length,
      names: names.join(", "),
      reason,
    });
  }

  #tell(name: string, reason: string): void {
    this.#log.warning("destination {name} is down: {reason}", { name, reason });
  }
}

/** A reason without the addresses in it. */
function kindOf(reason: string): string {
  return reason.replace(/\bunix:\S+|\S+:\d+\b/g, "");
}
