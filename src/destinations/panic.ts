import type { Logger } from "@logtape/logtape";
import type { Destination } from "./destination.ts";

/**
 * Whether sessions go to destinations whose connects work and only their checks fail, since none is
 * up: those of the lowest tier. Logs when that begins and ends.
 */
export class Panic {
  readonly #log: Logger;
  #panicking = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Looks at destinations up to the first one that is wanted and usable. */
  note(destinations: Iterable<Destination>): void {
    const tried = lowestTier(lastResorts(destinations));
    if (!this.#panicking && tried.length > 0) {
      const names = tried.map(({ name }) => name).join(", ");
      this.#log.warning("panic: every destination is down, sessions go to {names} all the same", {
        names,
      });
    } else if (this.#panicking && tried.length === 0) {
      this.#log.info("the panic is over");
    }
    this.#panicking = tried.length > 0;
  }
}

/** Those whose connects work and only their checks fail; nobody while one is usable. */
function lastResorts(destinations: Iterable<Destination>): Destination[] {
  const found: Destination[] = [];
  for (const one of destinations) {
    if (!one.enabled) continue;
    if (one.usable) return [];
    if (one.onlyCheckFails) found.push(one);
  }
  return found;
}

/** Those of the lowest tier among some. */
function lowestTier(some: readonly Destination[]): Destination[] {
  const lowest = Math.min(...some.map(({ config }) => config.backup));
  return some.filter(({ config }) => config.backup === lowest);
}
