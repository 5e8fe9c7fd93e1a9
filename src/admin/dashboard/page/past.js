// @ts-check
import { History } from "./history.js";

/** @typedef {import("../../../operations/history.ts").History} Told */
/** @typedef {import("../../../operations/history.ts").Mark} Mark */
/** @typedef {import("../../../operations/operations.ts").Status} Status */

/** Most marks that are kept. */
const MARKS = 200;
/** How long a day that was asked for is shown before it is asked for again. */
const DAY_AGE_MS = 60_000;

/** What the program did, as far as the page knows it. */
export class Past {
  /** What happened, latest last. @type {Mark[]} */
  #marks = [];
  /** By the numbers of the listeners. @type {Map<number, History>} */
  #histories = new Map();
  /** Listeners of which a day is shown. @type {Set<number>} */
  #wanted = new Set();
  #constants;
  #ask;
  #asking = false;
  /** When a day was asked for, by the page's clock. */
  #askedAt = -Infinity;

  /**
   * @param {import("./history.js").Constants} constants
   * @param {(path: string) => Promise<{ json(): Promise<unknown> }>} ask Asks the program.
   */
  constructor(constants, ask) {
    this.#constants = constants;
    this.#ask = ask;
  }

  /**
   * What a listener did.
   *
   * @param {number} id
   */
  of(id) {
    let history = this.#histories.get(id);
    if (!history) this.#histories.set(id, history = new History(this.#constants));
    return history;
  }

  /**
   * What happened to a listener, to its destinations or to the whole program.
   *
   * @param {string} name
   */
  marksOf(name) {
    return this.#marks.filter(({ listener }) => listener === undefined || listener === name);
  }

  /**
   * Takes what the program has told at once.
   *
   * @param {Told} told
   */
  take(told) {
    this.#marks = told.marks;
    for (const listener of told.listeners) this.of(listener.id).take(listener, told);
  }

  /** @param {Mark} mark */
  mark(mark) {
    this.#marks = [...this.#marks, mark].slice(-MARKS);
  }

  /** @param {Status} status */
  add({ listeners, uptime_ms }) {
    for (const listener of listeners) this.of(listener.id).add(listener, uptime_ms);
    for (const id of this.#histories.keys()) {
      if (!listeners.some((listener) => listener.id === id)) this.#histories.delete(id);
    }
    if (this.#wanted.size > 0) this.#askForDay();
  }

  /**
   * Whether a day is shown of a listener: it is asked for then, at once and once a minute.
   *
   * @param {number} id
   * @param {boolean} wanted
   * @returns {Promise<void>} Resolves when it is there, or cannot be had.
   */
  async wantDay(id, wanted) {
    if (!wanted) this.#wanted.delete(id);
    else {
      this.#wanted.add(id);
      await this.#askForDay();
    }
  }

  async #askForDay() {
    if (this.#asking || performance.now() - this.#askedAt < DAY_AGE_MS) return;
    this.#asking = true;
    this.#askedAt = performance.now();
    try {
      const response = await this.#ask("/history?span=24h");
      this.take(/** @type {Told} */ (await response.json()));
    } catch {
      // What is wrong with the connection is told elsewhere; it is tried again when that is there.
      this.#askedAt = performance.now() - DAY_AGE_MS + 5000;
    } finally {
      this.#asking = false;
    }
  }
}
