// @ts-check

/** @typedef {import("../../../operations/destination_status.ts").DestinationStatus} DestinationStatus */

/** How far back the flow of bytes looks, in milliseconds. */
const FLOW_MS = 10_000;

/** How many bytes a second go to and from each destination, by the differences of its counters. */
export class Flow {
  /** @type {{ time: number, totals: Map<string, { up: number, down: number }> }[]} */
  #looks = [];

  /**
   * @param {readonly DestinationStatus[]} destinations
   * @param {number} time The uptime, in milliseconds.
   */
  add(destinations, time) {
    // A program that was started again counts from 0.
    if (time < (this.#looks.at(-1)?.time ?? 0)) this.#looks = [];
    const totals = new Map(
      destinations.map(({ id, bytes_up, bytes_down }) => [id, { up: bytes_up, down: bytes_down }]),
    );
    this.#looks.push({ time, totals });
    while (this.#looks.length > 2 && (this.#looks[1]?.time ?? time) <= time - FLOW_MS) {
      this.#looks.shift();
    }
  }

  /**
   * Nothing of one that was seen only once.
   *
   * @param {string} id
   * @returns {{ up: number, down: number } | undefined}
   */
  of(id) {
    const last = this.#looks.at(-1);
    const now = last?.totals.get(id);
    const first = this.#looks.find(({ totals }) => totals.has(id));
    const before = first?.totals.get(id);
    if (!last || !now || !first || !before || first.time === last.time) return undefined;
    const seconds = (last.time - first.time) / 1000;
    return {
      up: Math.max(0, now.up - before.up) / seconds,
      down: Math.max(0, now.down - before.down) / seconds,
    };
  }
}
