import { METER_CELLS } from "./meter.ts";

/** Destinations for which there is room; of two that have the same place the newer one has it. */
const PLACES = 1024;
/** Whose place it is, the limit of all threads together, why, and failed connects. */
const OWNER = 0;
const LIMIT = 1;
const REASON = 2;
const FAILURES = 3;
const HEAD = 4;

/** Which of so many threads one is, counted from 0. */
interface Position {
  readonly index: number;
  readonly number: number;
}

/** What the threads of a listener share of the search for a destination's number of slots. */
export class LimitBoards {
  readonly #memory: SharedArrayBuffer;
  readonly #position: Position;

  /** @param memory What {@linkcode LimitBoards.memory} has made for all threads. */
  constructor(position: Position, memory: SharedArrayBuffer) {
    this.#position = position;
    this.#memory = memory;
  }

  /** The memory that so many threads share. */
  static memory(threads: number): SharedArrayBuffer {
    return new SharedArrayBuffer(4 * PLACES * placeCells(threads));
  }

  /** The one of the destination with a number. */
  of(destination: number): LimitBoard {
    const cells = placeCells(this.#position.number);
    const first = 4 * cells * (destination % PLACES);
    return new LimitBoard(new Int32Array(this.#memory, first, cells), this.#position, destination);
  }
}

/** What threads share for one destination. The first of them searches, the others do as it says. */
export class LimitBoard {
  readonly #cells: Int32Array;
  readonly #destination: number;
  readonly position: Position;
  /** The counters of all threads. */
  readonly counters: Int32Array;

  constructor(cells: Int32Array, position: Position, destination: number) {
    this.#cells = cells;
    this.#destination = destination;
    this.position = position;
    this.counters = cells.subarray(HEAD);
    if (cells[OWNER] !== destination) {
      cells.fill(0);
      cells[OWNER] = destination;
    }
  }

  /** One that no other thread has. */
  static alone(): LimitBoard {
    return new LimitBoard(new Int32Array(placeCells(1)), { index: 0, number: 1 }, 1);
  }

  /** Whether a newer destination has its place: each thread is on its own then. */
  get lost(): boolean {
    return this.#cells[OWNER] !== this.#destination;
  }

  /** Most sessions of all threads together; 0 as long as it is unknown. */
  get limit(): number {
    return this.#cells[LIMIT]!;
  }

  set limit(limit: number) {
    this.#cells[LIMIT] = limit;
  }

  /** Why, as a number that the threads agree on. */
  get reason(): number {
    return this.#cells[REASON]!;
  }

  set reason(reason: number) {
    this.#cells[REASON] = reason;
  }

  /** Failed connects of all threads, modulo 2³². */
  get failures(): number {
    return this.#cells[FAILURES]!;
  }

  failed(): void {
    Atomics.add(this.#cells, FAILURES, 1);
  }

  /** What this thread has of so many slots: at least 1. */
  share(slots: number): number {
    const { index, number } = this.position;
    return Math.max(1, Math.floor(slots / number) + (index < slots % number ? 1 : 0));
  }
}

function placeCells(threads: number): number {
  return HEAD + METER_CELLS * threads;
}
