/**
 * What an operator wants of a destination: `ready` it takes sessions while it is healthy, `drain` it
 * takes no new ones and finishes those it has, `maint` the same and it is not checked either.
 */
export const ADMIN_STATES = ["ready", "drain", "maint"] as const;

/** One of {@linkcode ADMIN_STATES}. */
export type AdminState = typeof ADMIN_STATES[number];

/** What a destination shows: what the operator wants, unless that is `ready`, then its health. */
export const SHOWN_STATES = ["untried", "up", "suspect", "down", "drain", "maint"] as const;

/** One of {@linkcode SHOWN_STATES}. */
export type ShownState = typeof SHOWN_STATES[number];

/** The states from the one that counts, if any thread says so, to the one that says least. */
const BY_WEIGHT: readonly ShownState[] = ["maint", "drain", "down", "suspect", "up", "untried"];

/**
 * The state of a destination that is in several threads: it is "up" if one thread has reached it and
 * all the others have, too, or have not tried it yet.
 */
export function joinStates(all: readonly ShownState[]): ShownState {
  return BY_WEIGHT.find((state) => all.includes(state))!;
}

/** The states from the one that serves to the one that is not even looked at. */
const BY_USE: readonly ShownState[] = ["up", "suspect", "untried", "down", "drain", "maint"];

/** The state of a name of which each record is in one of these: it serves if one of them does. */
export function bestState(all: readonly ShownState[]): ShownState {
  return BY_USE.find((state) => all.includes(state))!;
}

/**
 * Who of those that wait is served next: the `oldest` one; the `newest` one; clients or classes of them
 * take `turns`; or it depends on which destination has a free slot, as `several` of them are waited for.
 */
export const NEXT_ONES = ["oldest", "newest", "turns", "several"] as const;

/** One of {@linkcode NEXT_ONES}. */
export type NextOne = typeof NEXT_ONES[number];

/** Whether a listener accepts, or only finishes what it has. */
export const LISTENER_STATES = ["running", "draining"] as const;

/** One of {@linkcode LISTENER_STATES}. */
export type ListenerState = typeof LISTENER_STATES[number];
