import type { Session } from "../session/session.ts";

/** Milliseconds between two times, to the microsecond; `null` if one of them never came. */
export function elapsed(from: number | undefined, to: number | undefined): number | null {
  if (from === undefined || to === undefined) return null;
  return toMicroseconds(to - from);
}

/** Milliseconds, to the microsecond. */
export function toMicroseconds(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/** How the process of a session has ended, if one served it: one of the two is `null`. */
export function exitOf(
  { exit }: Pick<Session, "exit">,
): { exit_status?: number | null; exit_signal?: string | null } {
  if (!exit) return {};
  return { exit_status: exit.signal === null ? exit.code : null, exit_signal: exit.signal };
}

/** What ends a word or a line, or steers a terminal: marks of direction change what seems to be there. */
const UNSAFE = /[\p{C}\p{Z}\\]/gu;

/**
 * The name of an address as one word: what would end a word or a line becomes `\xHH`, `\uHHHH` or
 * `\u{HHHHH}`. Only paths of Unix-domain sockets and programs may have such things in them, but a
 * client picks its own.
 */
export function oneWord(name: string): string {
  return /^unix:|(^|,)exec:/.test(name) ? escaped(name) : name;
}

/** A text as one word. */
export function escaped(text: string): string {
  return text.replace(UNSAFE, (char) => {
    const code = char.codePointAt(0)!.toString(16);
    if (code.length <= 2) return `\\x${code.padStart(2, "0")}`;
    return code.length <= 4 ? `\\u${code.padStart(4, "0")}` : `\\u{${code}}`;
  });
}

/** Host and port of an address such as `[2001:db8::1]:80`; dashes for a Unix-domain socket. */
export function splitAddress(name: string): { ip: string; port: string } {
  // A path may look like one, and is whatever a client or its header says.
  if (name.startsWith("unix:")) return { ip: "-", port: "-" };
  const [, ip, port] = /^\[?([^[\]/]*?)\]?:(\d+)$/.exec(name) ?? [];
  return { ip: ip ?? "-", port: port ?? "-" };
}
