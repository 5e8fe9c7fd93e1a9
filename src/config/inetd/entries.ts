import type { ConfigProblems } from "../problems.ts";

/** One service of an inetd.conf: its words, the first of which is in this line. */
export interface Entry {
  /** Counts from 1. */
  readonly line: number;
  readonly words: readonly string[];
}

/**
 * The entries of an inetd.conf.
 *
 * Words are separated by blanks and tabs, and nothing is quoted. A line that begins with `#` is a
 * comment, and one that begins with a blank goes on with the entry before it. Comments may be in any
 * encoding.
 *
 * @see inetd.conf(5) and `getconfigent` of OpenBSD's inetd.c
 */
export function readEntries(text: string, problems: ConfigProblems): Entry[] {
  const entries: { line: number; words: string[] }[] = [];
  let current: { line: number; words: string[] } | undefined;
  for (const [index, written] of text.split("\n").entries()) {
    if (problems.full) break;
    const line = index + 1;
    const content = written.replace(/\r$/, "");
    const words = content.split(/[ \t]+/).filter((word) => word !== "");
    const goesOn = /^[ \t]/.test(content) && current !== undefined;
    if (!goesOn) current = undefined;
    if (content.startsWith("#") || words.length === 0) continue;
    if (content.includes("\ufffd")) problems.add(line, "is no text in UTF-8");
    if (words[0]!.startsWith("#")) {
      problems.add(
        line,
        goesOn
          ? `"#" behind a blank: to inetd these are more arguments of line ${current!.line}; a ` +
            "comment must begin in the first column"
          : '"#" behind a blank: to inetd this is a service; a comment must begin in the first column',
      );
    } else if (goesOn) current!.words.push(...words);
    else entries.push(current = { line, words });
  }
  return entries;
}
