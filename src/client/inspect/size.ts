const UNITS: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** Largest size, 1 TiB. */
const MOST = 1024 ** 4;

/** What {@linkcode parseSize} takes, in words for a message. */
export const SIZE_FORM = "a whole number with a unit, such as 500KiB, 64MiB or 1GiB";

/** A size in bytes; `undefined` if the text is none. */
export function parseSize(text: string): number | undefined {
  const [, number = "", unit = ""] = /^(\d{1,9})(B|KiB|MiB|GiB)$/.exec(text) ?? [];
  const size = Number(number) * (UNITS[unit] ?? 0);
  return size > 0 && size <= MOST ? size : undefined;
}
