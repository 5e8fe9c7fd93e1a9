import { type Span, SPANS, type ValueKind, type Values } from "../../operations/history.ts";
import { Ring } from "./ring.ts";

/** Seconds of a step of the long span. */
const MINUTE = SPANS["24h"].stepMs / SPANS["5m"].stepMs;

/**
 * What one thing did, second by second and minute by minute: each column is a rate, a peak, a count or
 * a quantile.
 */
export class Track<C extends string> {
  readonly #columns: readonly C[];
  readonly #kinds: readonly ValueKind[];
  readonly #rings: Record<Span, Ring>;
  /** What the minute has had so far. */
  readonly #minute: Float64Array;
  /** Its seconds. */
  #seconds = 0;
  /** The row that is written next. */
  readonly #row: Float64Array;

  constructor(columns: Readonly<Record<C, { readonly kind: ValueKind }>>) {
    this.#columns = Object.keys(columns) as C[];
    this.#kinds = this.#columns.map((name) => columns[name].kind);
    const { length } = this.#columns;
    this.#rings = {
      "5m": new Ring({ capacity: SPANS["5m"].steps, columns: length }),
      "24h": new Ring({ capacity: SPANS["24h"].steps, columns: length }),
    };
    this.#minute = new Float64Array(length);
    this.#row = new Float64Array(length);
  }

  /**
   * What was seen after so many seconds: for rates and counts what has come since, for peaks what is
   * there, quantiles as they are.
   */
  second(values: ArrayLike<number>, seconds: number): void {
    const row = this.#row;
    for (let ahead = Math.min(seconds, SPANS["5m"].steps) - 1; ahead >= 0; ahead--) {
      this.#kinds.forEach((kind, i) => {
        const value = values[i]!;
        if (kind === "rate") row[i] = value / seconds;
        else if (kind === "count") row[i] = ahead === 0 ? value : 0;
        else row[i] = kind === "peak" || ahead === 0 ? value : NaN;
      });
      this.#rings["5m"].push(row);
    }
    this.#seconds += seconds;
    this.#kinds.forEach((kind, i) => {
      const value = values[i]!;
      if (kind === "peak") this.#minute[i] = Math.max(this.#minute[i]!, value);
      else if (kind !== "quantile") this.#minute[i]! += value;
    });
  }

  /** Nothing could be seen for so many seconds. */
  miss(seconds: number): void {
    this.#row.fill(NaN);
    for (let i = 0; i < Math.min(seconds, SPANS["5m"].steps); i++) {
      this.#rings["5m"].push(this.#row);
    }
  }

  /**
   * So many minutes are over.
   *
   * @param quantiles Of the columns of that kind, in their order.
   */
  minute(quantiles: readonly number[], minutes: number): void {
    const row = this.#row;
    let next = 0;
    this.#kinds.forEach((kind, i) => {
      if (kind === "quantile") row[i] = quantiles[next++]!;
      else if (this.#seconds === 0) row[i] = NaN;
      else row[i] = kind === "rate" ? this.#minute[i]! / this.#seconds : this.#minute[i]!;
    });
    for (let i = 0; i < Math.min(minutes, SPANS["24h"].steps); i++) this.#rings["24h"].push(row);
    this.#minute.fill(0);
    this.#seconds = 0;
  }

  /** The sum of a column over the latest seconds. */
  sum(column: C, seconds: number): number {
    return this.#rings["5m"].sum(this.#columns.indexOf(column), seconds);
  }

  /** Seconds of which something is kept. */
  get seconds(): number {
    return Math.min(this.#rings["5m"].rows, SPANS["5m"].steps);
  }

  /** The series of now; it is made, as it is now, whenever somebody calls what this returns. */
  series(span: Span): () => Record<C, Values> {
    const ring = this.#rings[span];
    const { rows } = ring;
    return () => {
      const columns = this.#columns.map((name, i) => [name, ring.column(i, rows)]);
      return Object.fromEntries(columns) as Record<C, Values>;
    };
  }
}

/** How many steps of the long span end in the time from one second to another. */
export function minutesBetween(before: number, now: number): number {
  return Math.floor(now / MINUTE) - Math.floor(before / MINUTE);
}
