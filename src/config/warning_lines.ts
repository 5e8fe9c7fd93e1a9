/** Most lines of warnings of one kind; there may be as many reasons for one as a file has lines. */
const MOST_LINES = 20;

/** Warnings as they are told: each once, and when there are too many, that there are further ones. */
export function warningLines(all: Iterable<string>, further: string): string[] {
  const lines = new Set<string>();
  for (const line of all) {
    if (lines.size === MOST_LINES && !lines.has(line)) return [...lines, further];
    lines.add(line);
  }
  return [...lines];
}
