import { printable } from "./format.ts";

/** How a piece of text looks on a terminal with colours. */
export type Style = "bold" | "dim" | "green" | "yellow" | "red" | "reverse";

/** A piece of text in one style, of characters that are one column wide. */
export interface Span {
  readonly text: string;
  readonly style?: Style | undefined;
}

/** One line of a screen. */
export type Line = readonly Span[];

const CODES: Readonly<Record<Style, number>> = {
  bold: 1,
  dim: 2,
  reverse: 7,
  red: 31,
  green: 32,
  yellow: 33,
};

/** The number of columns that a line takes. */
export function widthOf(line: Line): number {
  return line.reduce((sum, { text }) => sum + [...text].length, 0);
}

/** A line without what goes beyond so many columns. */
export function clip(line: Line, columns: number): Line {
  const clipped: Span[] = [];
  let left = columns;
  for (const { text, style } of line) {
    const kept = [...text].slice(0, left);
    left -= kept.length;
    if (kept.length > 0) clipped.push({ text: kept.join(""), style });
  }
  return clipped;
}

/** A line as text, with the escape codes of its styles or without, and with no others. */
export function paint(line: Line, options: { colors: boolean }): string {
  return line.map((span) => {
    const text = printable(span.text);
    return options.colors && span.style ? `\x1b[${CODES[span.style]}m${text}\x1b[0m` : text;
  }).join("");
}

/** Lines of pieces side by side, as many in each line as fit. */
export function flow(
  pieces: readonly Line[],
  options: { columns: number; indent: number },
): Line[] {
  const margin: Span = { text: " ".repeat(options.indent) };
  const lines: Line[] = [];
  let line: Line = [];
  for (const piece of pieces) {
    const longer: Line = line.length === 0
      ? [margin, ...piece]
      : [...line, { text: "  " }, ...piece];
    if (line.length === 0 || widthOf(longer) <= options.columns) {
      line = longer;
    } else {
      lines.push(line);
      line = [margin, ...piece];
    }
  }
  return line.length === 0 ? lines : [...lines, line];
}

/**
 * A bar of so many columns between two edges, filled to an eighth of a column.
 *
 * @param share From 0 to 1; more counts as 1. What is not quite nothing shows, and what is not
 * quite full has room.
 */
export function bar(share: number, columns: number): string {
  const inner = Math.max(1, columns - 2);
  const most = inner * 8;
  let eighths = share > 0 ? Math.round(Math.min(1, share) * most) : 0;
  if (share > 0) eighths = Math.max(1, eighths);
  if (share < 1) eighths = Math.min(most - 1, eighths);
  const full = "█".repeat(Math.floor(eighths / 8));
  const part = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
  return `▕${(full + part).padEnd(inner)}▏`;
}

/** Heights of a column: nothing, and more than nothing up to the most. */
const HEIGHTS = "▁▂▃▄▅▆▇█";

/** Values as a line of columns, the highest of them as high as can be; blank where there is none. */
export function spark(values: readonly (number | null)[]): string {
  const most = Math.max(0, ...values.map((value) => value ?? 0));
  return values.map((value) => {
    if (value === null) return " ";
    return HEIGHTS[value > 0 ? Math.max(1, Math.round(value / most * 7)) : 0];
  }).join("");
}
