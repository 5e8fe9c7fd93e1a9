import { FatalError } from "../base/errors.ts";

const KIB = 1024;

/** Text that is safe to show: whatever could steer a terminal becomes `?`. */
export function printable(text: string): string {
  return text.replace(/\p{C}|[\u2028\u2029]/gu, "?");
}

/** The same for text in columns: what may take another width than one becomes `?` as well. */
export function plain(text: string): string {
  return text.replace(/[^\x20-\x7e]/gu, "?");
}

/**
 * A value as one line of JSON that is safe to show, which JSON alone is not: CSI is U+009B, too, and
 * marks of direction change what seems to be there.
 *
 * @throws {FatalError} If it is nested more deeply than can be written.
 */
export function jsonLine(value: unknown): string {
  try {
    return JSON.stringify(value).replace(/\p{C}|[\u2028\u2029]/gu, escapeUnits);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new FatalError("the answer is nested too deeply to be shown");
  }
}

function escapeUnits(char: string): string {
  return Array.from({ length: char.length }, (_, i) => {
    return `\\u${char.charCodeAt(i).toString(16).padStart(4, "0")}`;
  }).join("");
}

/** A number of bytes for people, such as `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < KIB) return `${Math.round(bytes)} B`;
  const units = ["KiB", "MiB", "GiB", "TiB", "PiB"];
  let value = bytes / KIB;
  let unit = 0;
  // 1023.95 would be shown as 1024.0.
  while (value >= KIB - 0.05 && unit < units.length - 1) {
    value /= KIB;
    unit++;
  }
  return `${value.toFixed(1)} ${units[unit]}`;
}

/** A time span for people, such as `250 us`, `1.2 s` or `2h 13m`. */
export function formatSpan(ms: number): string {
  if (ms === 0) return "0 s";
  if (ms < 0.9995) return `${Math.round(ms * 1000)} us`;
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)}h ${minutes % 60}m`;
  const hours = Math.floor(minutes / 60);
  return `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

/** The same for what is to be compared: three digits up to a minute, such as `1.25 ms`. */
export function formatLatency(ms: number): string {
  if (ms < 0.9995 || ms >= 59_950) return formatSpan(ms);
  const [value, unit] = ms < 999.5 ? [ms, "ms"] : [ms / 1000, "s"];
  const decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return `${value.toFixed(decimals)} ${unit}`;
}

/** How often something happens in a second: one decimal while that says something. */
export function formatRate(perSecond: number): string {
  return perSecond === 0 || perSecond >= 99.95
    ? String(Math.round(perSecond))
    : perSecond.toFixed(1);
}

/** A column of {@linkcode formatTable}. */
export interface Column {
  readonly title: string;
  /** Numbers stand to the right. */
  readonly align?: "left" | "right";
}

/** Rows under their titles, each column as wide as it must be. */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): string[] {
  const titles = columns.map(({ title }) => title);
  const all = [titles, ...rows.map((row) => row.map(plain))];
  const widths = columns.map((_, i) => Math.max(...all.map((row) => row[i]!.length)));
  return all.map((row) => {
    const cells = row.map((cell, i) => {
      return columns[i]!.align === "right" ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!);
    });
    return cells.join("  ").trimEnd();
  });
}

/** What is said behind the name of a destination that is a backup. */
export function backupMark(
  { backup, tier }: { readonly backup: boolean; readonly tier: number },
): string {
  if (!backup) return "";
  return tier > 1 ? ` (backup ${tier})` : " (backup)";
}
