/**
 * Who may have an item, where not everybody may.
 *
 * Items with the same audience, by identity, wait in one lane. Who belongs to it may change; nobody
 * who waits for an item is told of that.
 */
export interface Audience {
  /** Whether somebody belongs to it. */
  has(taker: object): boolean;
  /** The one who belongs to it, if that is and stays one alone: its lane is found at once. */
  readonly only?: object;
}

/** One alone. */
class Only implements Audience {
  readonly only: object;

  constructor(taker: object) {
    this.only = taker;
  }

  has(taker: object): boolean {
    return taker === this.only;
  }
}

/** All of an audience but one. */
export class Without implements Audience {
  readonly #of: Audience | undefined;
  readonly #excluded: object;

  constructor(of: Audience | undefined, excluded: object) {
    this.#of = of;
    this.#excluded = excluded;
  }

  /** All of another audience, or everybody, but the same one. */
  within(of: Audience | undefined): Without {
    return without(of, this.#excluded);
  }

  has(taker: object): boolean {
    return taker !== this.#excluded && (this.#of?.has(taker) ?? true);
  }
}

/** Stands for the audience that everybody belongs to. */
const EVERYBODY = {};

const ALONE = new WeakMap<object, Audience>();
const WITHOUT = new WeakMap<object, WeakMap<object, Without>>();

/** The audience of one alone; the same one each time. */
export function only(taker: object): Audience {
  let audience = ALONE.get(taker);
  if (!audience) ALONE.set(taker, audience = new Only(taker));
  return audience;
}

/** All of an audience, or everybody, but one; the same one each time. */
export function without(of: Audience | undefined, excluded: object): Without {
  const key = of ?? EVERYBODY;
  let family = WITHOUT.get(key);
  if (!family) WITHOUT.set(key, family = new WeakMap());
  let audience = family.get(excluded);
  if (!audience) family.set(excluded, audience = new Without(of, excluded));
  return audience;
}
