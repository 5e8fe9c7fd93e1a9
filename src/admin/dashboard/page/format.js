// @ts-check
// Numbers for people: three digits that matter, and units that do not jump about.

/** Made once: there are thousands of numbers on the page. */
const WHOLE = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** @param {number} n */
export function count(n) {
  return Number.isInteger(n) && n >= 0 && n < 1000 ? String(n) : WHOLE.format(n);
}

/** Most characters of a name within a sentence. */
const LONGEST_NAME = 56;

/**
 * A name without its middle if it is long, as that of a program with all its arguments: what tells names
 * apart is at their ends.
 *
 * @param {string} name
 * @param {number} [most]
 */
export function brief(name, most = LONGEST_NAME) {
  const letters = name.length > most ? [...name] : [];
  if (letters.length <= most) return name;
  const head = Math.ceil((most - 1) / 2);
  return `${letters.slice(0, head).join("")}…${letters.slice(head + 1 - most).join("")}`;
}

/**
 * A number that has little room.
 *
 * @param {number} n
 */
export function short(n) {
  return n < 100_000 ? count(n) : scaled(n, 1000, ["", " k", " M", " G", " T"]);
}

/**
 * Something per second.
 *
 * @param {number} n
 */
export function rate(n) {
  if (n === 0) return "0";
  return n < 10 ? n.toFixed(1) : scaled(n, 1000, ["", " k", " M", " G"]);
}

/** @param {number} n */
export function bytes(n) {
  return scaled(n, 1024, [" B", " KiB", " MiB", " GiB", " TiB", " PiB"]);
}

/** @param {number} n */
export function byteRate(n) {
  return `${bytes(n)}/s`;
}

/** @param {number | undefined} ms */
export function duration(ms) {
  if (ms === undefined) return "–";
  if (ms === 0) return "0 ms";
  if (ms < 1) return `${digits(ms * 1000)} µs`;
  if (ms < 1000) return `${digits(ms)} ms`;
  if (ms < 60_000) return `${digits(ms / 1000)} s`;
  const seconds = Math.floor(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d${hours % 24 > 0 ? ` ${hours % 24} h` : ""}`;
}

/**
 * How long somebody waits, or will about: no more digits than can be read while they change.
 *
 * @param {number} ms
 */
export function span(ms) {
  if (ms < 100) return `${Math.ceil(ms)} ms`;
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 60_000 ? `${Math.floor(ms / 1000)} s` : duration(ms);
}

/**
 * What was set, or is round, without decimals that say nothing.
 *
 * @param {string} text
 */
export function trimmed(text) {
  return text.replace(/\.0+(?=[ /]|$)/, "");
}

/**
 * The time of day here of an RFC 3339 time.
 *
 * @param {string} time
 */
export function timeOfDay(time) {
  return new Date(time).toLocaleTimeString("en-GB");
}

/**
 * @param {number} n
 * @param {string} one What it is for 1.
 * @param {string} [many]
 */
export function plural(n, one, many = `${one}s`) {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/**
 * @param {number} n
 * @param {number} base
 * @param {readonly string[]} units
 */
function scaled(n, base, units) {
  let unit = 0;
  while (n >= base && unit < units.length - 1) {
    n /= base;
    unit++;
  }
  return (unit === 0 ? Math.round(n) : digits(n)) + (units[unit] ?? "");
}

/** @param {number} n */
function digits(n) {
  return n < 10 ? n.toFixed(2) : n < 100 ? n.toFixed(1) : n.toFixed(0);
}
