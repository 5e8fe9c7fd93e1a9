import { every, type Timer } from "./timer.ts";

/** Time between two looks, in milliseconds. */
const PERIOD_MS = 1000;

/** So many looks in a row have to find it quiet. */
const QUIET_LOOKS = 5;

/**
 * Bytes of the heap that may come or go between two looks while it is quiet: about a hundred round
 * trips, or a dozen connections.
 */
const STIR_BYTES = 256 * 1024;

/** There is no use in collecting less than this, in bytes. */
const WORTHWHILE_BYTES = 16 * 1024 * 1024;

/**
 * Nothing is collected while more than this is in use, in bytes: it would stop everything for too long. A
 * heap with 78 MiB in use took 0.12 s (8,000 idle sessions, two quiet processors).
 */
const MOST_BYTES = 128 * 1024 * 1024;

/** Shortest time between two collections, in looks: a minute. */
const PAUSE_LOOKS = 60;

/** What {@linkcode QuietCollection} looks at and does. */
export interface Heap {
  /** The bytes of objects, of which some may be garbage, and those that the heap has of the system. */
  usage(): Pick<Deno.MemoryUsage, "heapUsed" | "heapTotal">;
  /**
   * Collects all garbage and gives free pages back. Nothing else runs meanwhile.
   */
  collect(): void;
}

/**
 * Gives back, when it has become quiet, what the heap has taken for busy times.
 *
 * The engine's own reducer of memory runs only after a major collection, and a burst of sessions need
 * not bring about one: what it has left would stay for as long as the next ones take to come.
 */
export class QuietCollection {
  readonly #heap: Heap;
  /** What the heap had at the beginning, in bytes. */
  readonly #begin: number;
  /** What was in use at the look before. */
  #used: number;
  /** For how many looks it has been quiet. */
  #quiet = 0;
  /** How many looks there have been since the latest collection. */
  #since = PAUSE_LOOKS;
  /** Whether anything has happened since then. */
  #stirred = false;

  constructor(heap: Heap) {
    this.#heap = heap;
    const { heapUsed, heapTotal } = heap.usage();
    this.#used = heapUsed;
    this.#begin = heapTotal;
  }

  look(): void {
    const { heapUsed, heapTotal } = this.#heap.usage();
    const stirs = Math.abs(heapUsed - this.#used) > STIR_BYTES;
    this.#used = heapUsed;
    this.#since++;
    this.#stirred ||= stirs;
    this.#quiet = stirs ? 0 : this.#quiet + 1;
    if (!this.#stirred || this.#quiet < QUIET_LOOKS || this.#since < PAUSE_LOOKS) return;
    if (heapTotal - this.#begin < WORTHWHILE_BYTES || heapUsed > MOST_BYTES) return;
    this.#heap.collect();
    this.#used = this.#heap.usage().heapUsed;
    this.#since = this.#quiet = 0;
    this.#stirred = false;
  }
}

/** Does so from now on, where the runtime was started with `--expose-gc`; otherwise nothing. */
export function collectWhenQuiet(): Timer {
  const { gc } = globalThis as { gc?: (how?: object) => void };
  if (!gc) return { stop() {} };
  const collection = new QuietCollection({
    usage: () => Deno.memoryUsage(),
    collect: () => gc({ type: "major", flavor: "last-resort" }),
  });
  return every(PERIOD_MS, () => collection.look());
}
