// @ts-check
// Where a moment and a value are in a chart, by numbers alone.

/** @typedef {{ x: number, t: number, minor: boolean }} Tick */
/** @typedef {(number | null | undefined)[]} Values */

/** A chart in its own units. */
export const PLOT = { width: 1000, height: 100 };
/** Room above the highest and below the lowest value, so that lines are not cut. */
const MARGIN = 1.5;

/** Round durations above a second, in milliseconds. */
const ROUND_TIMES = [1, 2, 3, 5, 10, 15, 20, 30, 60, 120, 300, 600, 1800, 3600].map((s) =>
  s * 1000
);

/**
 * The round number that a chart ends at: not below the highest value.
 *
 * @param {number} highest
 * @param {{ least: number, kind: "number" | "bytes" | "time" }} options The least it may be.
 */
export function roundTop(highest, { least, kind }) {
  const wanted = Math.max(highest, least);
  if (kind === "time" && wanted > 500) {
    return ROUND_TIMES.find((one) => one >= wanted) ?? Math.ceil(wanted / 3_600_000) * 3_600_000;
  }
  let unit = 1;
  if (kind === "bytes") { while (wanted > 500 * unit) unit *= 1024; }
  let power = unit;
  while (power * 10 < wanted) power *= 10;
  while (kind !== "bytes" && power > wanted) power /= 10;
  return [1, 2, 3, 4, 5, 6, 8, 10].map((digit) => digit * power).find((round) => round >= wanted) ??
    wanted;
}

/**
 * The highest of some values, 0 if there are none.
 *
 * @param {readonly Values[]} series
 */
export function highestOf(series) {
  let highest = 0;
  for (const values of series) for (const value of values) highest = Math.max(highest, value ?? 0);
  return highest;
}

/**
 * A line and the area below it. Where nothing was measured, or for longer than a gap, there is none.
 *
 * @param {readonly number[]} times
 * @param {Values} values At these times.
 * @param {{ now: number, span: number, top: number, gap: number }} frame
 */
export function linesOf(times, values, { now, span, top, gap }) {
  const { width, height } = PLOT;
  let line = "";
  let area = "";
  let [lastX, lastT] = [-1, -Infinity];
  const close = () => {
    if (lastX >= 0) area += `L${lastX} ${height}Z`;
  };
  for (const [i, t] of times.entries()) {
    const value = values[i];
    if (value === undefined || value === null) continue;
    const x = Number((width * (1 - (now - t) / span)).toFixed(1));
    if (x < 0) continue;
    const y = (height - MARGIN - (height - 2 * MARGIN) * Math.min(1, value / top)).toFixed(1);
    if (t - lastT > gap) {
      close();
      line += `M${x} ${y}`;
      area += `M${x} ${height}L${x} ${y}`;
    } else {
      line += `L${x} ${y}`;
      area += `L${x} ${y}`;
    }
    [lastX, lastT] = [x, t];
  }
  close();
  return { line, area };
}

/** More values than this are not drawn one by one. */
const MANY = 400;
/** But as so many. */
const FEW = 240;

/**
 * Values of which there are more than a chart has room for, some together as one: their highest, or
 * their mean. Which ones are together stays the same while time goes on.
 *
 * @param {readonly number[]} times
 * @param {Values} values At these times.
 * @param {{ span: number, peak: boolean }} options
 * @returns {{ times: readonly number[], values: Values, step: number }} `step` is how far apart they
 *   are at least, 0 if all are there.
 */
export function thinned(times, values, { span, peak }) {
  if (times.length <= MANY) return { times, values, step: 0 };
  /** @type {Map<number, { t: number, sum: number, top: number, n: number }>} */
  const together = new Map();
  for (const [i, t] of times.entries()) {
    const value = values[i];
    if (value === undefined || value === null) continue;
    const one = together.get(Math.floor(t * FEW / span));
    if (!one) together.set(Math.floor(t * FEW / span), { t, sum: value, top: value, n: 1 });
    else {
      one.t = t;
      one.sum += value;
      one.top = Math.max(one.top, value);
      one.n++;
    }
  }
  const all = [...together.values()];
  return {
    times: all.map(({ t }) => t),
    values: all.map(({ sum, top, n }) => peak ? top : sum / n),
    step: span / FEW,
  };
}

/**
 * The index of what is nearest to a moment; -1 if there is nothing.
 *
 * @param {readonly number[]} times Ascending.
 * @param {number} t
 */
export function nearest(times, t) {
  let [low, high] = [0, times.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) < t) low = middle + 1;
    else high = middle;
  }
  if (low > 0 && t - (times[low - 1] ?? 0) < (times[low] ?? 0) - t) low--;
  return times.length === 0 ? -1 : low;
}

/**
 * Whole minutes of five minutes, or hours of a day, of the clock here: those that have room.
 *
 * @param {{ now: number, span: number, step: number, offset: number }} frame `offset` is the clock at
 *   uptime 0, in milliseconds.
 * @returns {Tick[]}
 */
export function ticksOf({ now, span, step, offset }) {
  // Hours are those of the clock here, which is ahead of UTC by this.
  const ahead = -new Date(offset + now).getTimezoneOffset() * 60_000;
  const first = Math.ceil((offset + now - span + ahead) / step) * step - ahead - offset;
  const ticks = [];
  for (let t = first; t <= now; t += step) {
    const x = 1 - (now - t) / span;
    const minor = Math.round((t + offset + ahead) / step) % 2 !== 0;
    if (x > 0.06 && x < 0.94) ticks.push({ x, t, minor });
  }
  return ticks;
}
