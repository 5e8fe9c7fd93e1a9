import type { Audience } from "../async/audience.ts";
import type { Destination } from "../destinations/destination.ts";
import { audienceOf, type Session } from "../session/session.ts";
import type { Panic } from "./panic.ts";
import { keysOf } from "./routes/keys.ts";
import { Tiers } from "./tiers.ts";

const NOWHERE = { there: false, up: false, failing: false };

const NOBODY: ReadonlySet<Destination> = new Set();

/** Those who serve the same clients. */
class Family {
  /** Those of them that are enabled. */
  readonly members = new Set<Destination>();
  readonly up = new Tiers();
  readonly failing = new Tiers();

  /** Notes what one of them is like; returns whether others take part because of that, or no more. */
  note(one: Destination, is: typeof NOWHERE): boolean {
    if (is.there) this.members.add(one);
    else this.members.delete(one);
    const [up, failing] = [this.up.lowest, this.failing.lowest];
    this.up.note(one, is.up);
    this.failing.note(one, is.failing);
    return up !== this.up.lowest || failing !== this.failing.lowest;
  }

  /** Whether one of them that is enabled takes part. */
  has({ usable, onlyCheckFails, config: { backup } }: Destination): boolean {
    if (usable) return backup <= this.up.lowest;
    return onlyCheckFails && this.up.lowest === Infinity && backup <= this.failing.lowest;
  }

  /** Whether sessions go to those whose checks fail. */
  get panics(): boolean {
    return this.up.lowest === Infinity && this.failing.lowest < Infinity;
  }

  /** Whether it is the turn of a destination's tier, whatever its state. */
  reaches({ config: { backup } }: Destination): boolean {
    return backup <= (this.up.lowest < Infinity ? this.up.lowest : this.failing.lowest);
  }
}

/**
 * Which destinations take part: those of the lowest tier that has somebody who is up, or untried.
 * While none at all is, those of the lowest tier whose connects work and only their checks fail.
 *
 * That counts for each name and protocol by itself that clients ask for: a backup of one serves its
 * clients while destinations of others are up.
 */
export class Serving {
  /** By the keys of what they serve; see `routes/`. */
  readonly #families = new Map<string, Family>();
  /** Where each was noted last. */
  readonly #noted = new WeakMap<Destination, ReadonlySet<string>>();
  /** Those whose sessions go to destinations whose checks fail. */
  readonly #panicking = new Set<string>();
  /** Learns of that. */
  readonly #panic: Panic | undefined;

  constructor({ panic }: { panic?: Panic } = {}) {
    this.#panic = panic;
  }

  /**
   * Notes the state of destinations.
   *
   * @param counts Whether one is there and enabled.
   * @returns Who may take part because of that, too, or no more.
   */
  note(
    destinations: Iterable<Destination>,
    counts: (one: Destination) => boolean,
  ): ReadonlySet<Destination> {
    const affected = new Set<string>();
    const note = (key: string, one: Destination, is: typeof NOWHERE) => {
      // One that has gone needs no new family.
      const family = is.there ? this.#familyOf(key) : this.#families.get(key);
      if (family?.note(one, is)) affected.add(key);
    };
    for (const one of destinations) {
      const keys = keysOf(one.config);
      const before = this.#noted.get(one);
      for (const key of before === keys ? [] : before ?? []) {
        if (!keys.has(key)) note(key, one, NOWHERE);
      }
      this.#noted.set(one, keys);
      const there = counts(one);
      const failing = !one.usable && one.onlyCheckFails && there;
      const is = { there, up: one.usable && there, failing };
      for (const key of keys) note(key, one, is);
    }
    if (affected.size === 0) return NOBODY;
    this.#notePanic(affected);
    return new Set([...affected].flatMap((key) => [...this.#familyOf(key).members]));
  }

  /** Whether nobody is up for some of the clients that a destination is for. */
  isMissed({ config }: Destination): boolean {
    for (const key of keysOf(config)) if (this.#familyOf(key).up.lowest === Infinity) return true;
    return false;
  }

  /** Whether one that is enabled takes part. */
  has(destination: Destination): boolean {
    for (const key of keysOf(destination.config)) {
      if (this.#familyOf(key).has(destination)) return true;
    }
    return false;
  }

  /** Whether the clients of a key may have one now, as far as its tier is concerned. */
  reaches(key: string, destination: Destination): boolean {
    return this.#families.get(key)?.reaches(destination) ?? true;
  }

  /** The destinations for the clients of a key that are enabled. */
  members(key: string): Iterable<Destination> {
    return this.#families.get(key)?.members ?? [];
  }

  /** Forgets keys that nobody has any more. */
  forget(isThere: (key: string) => boolean): void {
    for (const key of this.#families.keys()) {
      if (isThere(key)) continue;
      this.#families.delete(key);
      this.#panicking.delete(key);
    }
  }

  #notePanic(affected: Iterable<string>): void {
    const begun: string[] = [];
    const over: string[] = [];
    for (const key of affected) {
      const { panics } = this.#familyOf(key);
      if (panics === this.#panicking.has(key)) continue;
      (panics ? begun : over).push(key);
    }
    for (const key of begun) this.#panicking.add(key);
    for (const key of over) this.#panicking.delete(key);
    const told = (keys: string[]) => this.#families.size > 1 ? keys : undefined;
    if (over.length > 0) this.#panic?.ends({ keys: told(over) });
    if (begun.length === 0) return;
    const tried = new Set(begun.flatMap((key) => this.#familyOf(key).failing.first));
    this.#panic?.begins({ keys: told(begun), tried: [...tried] });
  }

  #familyOf(key: string): Family {
    let family = this.#families.get(key);
    if (!family) this.#families.set(key, family = new Family());
    return family;
  }
}

/** Whether a destination has sessions; one that may have this session, if one is given. */
export function isServing(destinations: Iterable<Destination>, session?: Session): boolean {
  const audience = session && audienceOf(session);
  for (const one of destinations) {
    if (one.established > 0 && audience?.has(one) !== false) return true;
  }
  return false;
}

/** How many slots are free at those destinations of an audience that take sessions. */
export function freeSlots(
  destinations: Iterable<Destination>,
  audience: Audience | undefined,
  takesSessions: (destination: Destination) => boolean,
): number {
  let slots = 0;
  for (const one of destinations) {
    const may = audience?.has(one) !== false && takesSessions(one);
    if (may) slots += Math.max(one.limit - one.workers, 0);
  }
  return slots;
}
