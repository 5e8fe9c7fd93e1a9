/** Threads that may share the counts, the first one included. */
const SLOTS = 1024;

/** What is counted, by its place in the slot of a thread; slot 0 holds the sums of all. */
const COUNTS = { taken: 0, unopened: 1, reserved: 2, used: 3 } as const;
const SLOT_SIZE = Object.keys(COUNTS).length;

/** What else the threads share, behind the slots. */
const VALUES = { capacity: 0, limited: 1, lookedAt: 2, firm: 3 } as const;
const FIRST_VALUE = SLOT_SIZE * (SLOTS + 1);
const LOOKING = FIRST_VALUE + Object.keys(VALUES).length;
const TOLD = LOOKING + 1;
const THREADS = LOOKING + 2;
const CELLS = LOOKING + 3;

/** Descriptors that threads count together, each its own. */
export type Count = keyof typeof COUNTS;

/** What all threads know alike; 0 until it is set. */
export type Value = keyof typeof VALUES;

/** What a further thread needs to count along. */
export interface BudgetShare {
  readonly buffer: SharedArrayBuffer;
  readonly slot: number;
}

/** Numbers in memory that the threads of the process share. */
export class SharedCounts {
  readonly #cells: Int32Array<SharedArrayBuffer>;
  /** Which thread this is: 1 is the first. */
  readonly #slot: number;

  /** @param share The part in those of another thread; counts of its own if absent. */
  constructor(share?: BudgetShare) {
    const bytes = CELLS * Int32Array.BYTES_PER_ELEMENT;
    this.#cells = new Int32Array(share?.buffer ?? new SharedArrayBuffer(bytes));
    this.#slot = share?.slot ?? 1;
  }

  /** What all threads together have. */
  sum(count: Count): number {
    return this.#cells[COUNTS[count]]!;
  }

  /** What this thread has. */
  own(count: Count): number {
    return this.#cells[this.#slot * SLOT_SIZE + COUNTS[count]]!;
  }

  /** Adds to what this thread has. */
  add(count: Count, number: number): void {
    this.#cells[this.#slot * SLOT_SIZE + COUNTS[count]]! += number;
    Atomics.add(this.#cells, COUNTS[count], number);
  }

  get(value: Value): number {
    return this.#cells[FIRST_VALUE + VALUES[value]]!;
  }

  set(value: Value, number: number): void {
    Atomics.store(this.#cells, FIRST_VALUE + VALUES[value], number);
  }

  /** How many threads there are beside the first. */
  get threads(): number {
    return this.#cells[THREADS]!;
  }

  /** Whether nobody has asked this before. */
  tellOnce(): boolean {
    return Atomics.exchange(this.#cells, TOLD, 1) === 0;
  }

  /** Does something, unless another thread is doing it. */
  alone(action: () => void): void {
    if (Atomics.compareExchange(this.#cells, LOOKING, 0, this.#slot) !== 0) return;
    try {
      action();
    } finally {
      Atomics.store(this.#cells, LOOKING, 0);
    }
  }

  /** A part for a further thread, which {@linkcode reclaim} ends; `undefined` if there are too many. */
  lend(): BudgetShare | undefined {
    const cells = this.#cells;
    for (let slot = 2; slot <= SLOTS; slot++) {
      const reserved = slot * SLOT_SIZE + COUNTS.reserved;
      if (cells[reserved] !== 0) continue;
      // Until the thread counts for itself, this keeps the slot from anybody else.
      cells[reserved] = 1;
      Atomics.add(cells, COUNTS.reserved, 1);
      Atomics.add(cells, THREADS, 1);
      return { buffer: cells.buffer, slot };
    }
    return undefined;
  }

  /** A thread is gone, wherever it was, and with it all that it had. */
  reclaim({ slot }: BudgetShare): void {
    const cells = this.#cells;
    for (const field of Object.values(COUNTS)) {
      Atomics.sub(cells, field, cells[slot * SLOT_SIZE + field]!);
      cells[slot * SLOT_SIZE + field] = 0;
    }
    Atomics.compareExchange(cells, LOOKING, slot, 0);
    Atomics.sub(cells, THREADS, 1);
  }
}
