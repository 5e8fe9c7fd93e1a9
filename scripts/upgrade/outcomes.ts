/** What became of clients that have asked once, each on a connection of its own. */
export const NOTHING = {
  /** With their own answer. */
  answered: 0,
  /** Nobody listened. */
  refused: 0,
  /** Connected, and then reset. */
  reset: 0,
  /** Connected, and closed before the whole answer. */
  lost: 0,
  /** Answered with something else. */
  wrong: 0,
  /** Not answered in time. */
  late: 0,
  /** Anything else. */
  other: 0,
};

export type Outcome = keyof typeof NOTHING;

/** How many clients came to what. */
export type Outcomes = Record<Outcome, number> & { examples: string[] };

/** Which clients there are. */
export interface ClientOptions {
  hostname: string;
  port: number;
  /** So many, of which each comes again as soon as it was answered. */
  clients?: number;
  /** Instead: so many a second, at random times, whatever becomes of others. */
  rate?: number;
  /** What a client does that is refused; it comes again unless told. */
  atRefusal?: "again" | "stop";
  /** How long an answer may take, in milliseconds. */
  patience?: number;
}
