import type { Values } from "../../operations/history.ts";

/**
 * Rows of numbers of which the latest are kept, in memory of a fixed size; `NaN` stands for nothing.
 * They lie row by row: memory is touched only as far as there were rows.
 */
export class Ring {
  /** Rows that there have been; those before the latest ones are gone. */
  rows = 0;
  readonly #capacity: number;
  readonly #columns: number;
  readonly #values: Float32Array;

  constructor(options: { capacity: number; columns: number }) {
    this.#capacity = options.capacity;
    this.#columns = options.columns;
    this.#values = new Float32Array(options.capacity * options.columns);
  }

  push(row: ArrayLike<number>): void {
    this.#values.set(row, (this.rows++ % this.#capacity) * this.#columns);
  }

  /** The sum of the latest values of a column, without those that are nothing. */
  sum(column: number, latest: number): number {
    let sum = 0;
    for (let row = Math.max(this.#first, this.rows - latest); row < this.rows; row++) {
      sum += this.#at(row, column) || 0;
    }
    return sum;
  }

  /**
   * A column, oldest first, as it was when there had been so many rows; those that are gone since are
   * left out.
   */
  column(column: number, rows: number): Values {
    const values: Values = [];
    for (let row = this.#first; row < rows; row++) values.push(rounded(this.#at(row, column)));
    return values;
  }

  /** The oldest row that is there. */
  get #first(): number {
    return Math.max(0, this.rows - this.#capacity);
  }

  #at(row: number, column: number): number {
    return this.#values[(row % this.#capacity) * this.#columns + column]!;
  }
}

/** As exactly as somebody who looks at a chart can see. */
function rounded(value: number): number | null {
  if (Number.isNaN(value)) return null;
  if (Number.isInteger(value)) return value;
  const digits = value >= 100 ? 10 : value >= 10 ? 100 : 1000;
  return value >= 1000 ? Math.round(value) : Math.round(value * digits) / digits;
}
