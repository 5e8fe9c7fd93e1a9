/** Steps that make twice as many slots. */
export const DOUBLING = 2;

/** The numbers of slots that are tried, from fewest to most: each is a step, counted from 0. */
export class Steps {
  readonly #slots: readonly number[];

  constructor({ min, max }: { min: number; max: number }) {
    const slots = [min];
    for (let step = 0; slots.at(-1)! < max; step++) {
      if (slotsAt(step) > min) slots.push(Math.min(slotsAt(step), max));
    }
    this.#slots = slots;
  }

  get top(): number {
    return this.#slots.length - 1;
  }

  /** The slots of a step. */
  slots(step: number): number {
    return this.#slots[step]!;
  }

  /** The step of the most slots that are not more than so many, or of the fewest. */
  of(slots: number): number {
    let step = this.top;
    while (step > 0 && this.#slots[step]! > slots) step--;
    return step;
  }

  /** The nearest step that there is. */
  nearest(step: number): number {
    return Math.min(Math.max(0, step), this.top);
  }
}

/** 1, 2, 3, 4, 6, 8, 11, 16, and so on: from 2 on two steps are twice as many. */
function slotsAt(step: number): number {
  return step < 4 ? step + 1 : Math.round(2 ** ((step + 1) / DOUBLING));
}
