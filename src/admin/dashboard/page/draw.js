// @ts-check
/// <reference lib="dom" />
import { svg } from "./dom.js";

/** Places as dots, those that are taken first: columns from the left, each filled from the top. */
export class Dots {
  root = svg("svg", { class: "dots", "aria-hidden": "true" });
  /** How many places one dot stands for. */
  scale = 1;
  #pitches;
  #height;
  #free = svg("path", { class: "free" });
  #taken = svg("path", { class: "taken" });
  #drawn = "";

  /** @param {{ pitches: number[], height: number }} options Sizes of a dot that may be used, largest first. */
  constructor({ pitches, height }) {
    this.#pitches = pitches;
    this.#height = height;
    this.root.append(this.#free, this.#taken);
  }

  /**
   * @param {{ count: number, capacity: number, width: number, places?: number }} places Room is made
   *   for the capacity; places that are free are drawn up to `places`, all of them unless given.
   */
  update({ count, capacity, width, places = capacity }) {
    const drawn = `${count} ${capacity} ${places} ${width}`;
    if (drawn === this.#drawn || width <= 0) return;
    this.#drawn = drawn;
    const fits = (/** @type {number} */ pitch) =>
      Math.floor(width / pitch) * Math.floor(this.#height / pitch);
    const smallest = this.#pitches.at(-1) ?? 1;
    const pitch = this.#pitches.find((one) => fits(one) >= capacity) ?? smallest;
    this.scale = roundUp(capacity / fits(pitch));
    const cells = Math.ceil(capacity / this.scale);
    const rows = Math.max(1, Math.ceil(cells / Math.floor(width / pitch)));
    const columns = Math.ceil(cells / rows);
    this.root.setAttribute("viewBox", `0 0 ${columns} ${rows}`);
    // A few dots more or less in a row: they take all of the width if they nearly do.
    const size = Math.max(pitch, Math.min(width / columns, pitch * 1.15));
    this.root.setAttribute("width", String(columns * size));
    this.root.setAttribute("height", String(rows * size));
    const taken = Math.min(cells, Math.ceil(count / this.scale));
    this.#free.setAttribute("d", dotted(Math.ceil(places / this.scale), rows));
    this.#taken.setAttribute("d", dotted(taken, rows));
  }
}

/**
 * The next number of 1, 2, 5, 10, 20, 50 and so on.
 *
 * @param {number} n
 */
function roundUp(n) {
  let power = 1;
  while (power * 10 < n) power *= 10;
  return [1, 2, 5, 10].map((digit) => digit * power).find((round) => round >= n) ?? n;
}

/**
 * A path whose dashes, of no length and with round caps, are that many dots.
 *
 * @param {number} cells
 * @param {number} rows
 */
function dotted(cells, rows) {
  let path = "";
  for (let row = 0; row < rows; row++) {
    const columns = Math.ceil((cells - row) / rows);
    if (columns > 0) path += `M.5 ${row + 0.5}h${columns - 1 + 0.01}`;
  }
  return path;
}
