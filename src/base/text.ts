import { closestString } from "@std/text/closest-string";

/** Most characters of a text that a message repeats. */
const LIMIT = 200;

/** Longest text that may be a slip of the pen; comparing grows with the square of the length. */
const LONGEST_NAME = 64;

/** A text as messages show what somebody wrote: in quotes, on one line, and not too long. */
export function quote(text: string): string {
  return JSON.stringify(cut(text));
}

/** A text that is cut where it gets too long for a message. */
export function cut(text: string): string {
  return text.length > LIMIT ? `${text.slice(0, LIMIT)}…` : text;
}

/** Marks that change what seems to be there, and line breaks that few know, become `\\u{202e}`. */
export function withMarksShown(text: string): string {
  return text.replace(/[\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (mark) => {
    return `\\u{${mark.codePointAt(0)!.toString(16)}}`;
  });
}

/** What a text that is none of these names was most likely meant to be. */
export function nearest(text: string, names: readonly string[]): string {
  const word = text.replace(/^--/, "");
  const wider = word.length < 3 ? [] : names.filter((name) => name.includes(word));
  return closestString(text.slice(0, LONGEST_NAME), wider.length > 0 ? wider : names);
}

/** A number with what it counts, such as `1 worker` or `2 workers`. */
export function plural(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

/** Most characters of a line of a help text. */
const WIDTH = 80;

/** A text in lines that a terminal has room for, each behind so many blanks. */
export function wrap(text: string, indent: number): string {
  const margin = " ".repeat(indent);
  const lines = [margin];
  for (const word of text.split(" ")) {
    const line = lines.at(-1)!;
    const longer = line === margin ? margin + word : `${line} ${word}`;
    if (longer.length <= WIDTH) lines[lines.length - 1] = longer;
    else lines.push(margin + word);
  }
  return lines.join("\n");
}
