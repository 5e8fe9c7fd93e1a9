import type { Part, Reporter } from "./config.ts";
import type { ListenerSource, Written } from "./source.ts";
import { UsageError } from "../base/errors.ts";
import { flagOf, keyOf, type OptionName } from "./options.ts";
import { quote } from "../base/text.ts";

/** Where the problems of flags come in the order of lines. */
const AFTER_THE_FILE = Number.MAX_SAFE_INTEGER;

/** Most problems that are told; there may be as many as the file has lines. */
const MAX_PROBLEMS = 1000;

/** Everything that is wrong with a configuration that comes from a file and flags. */
export class ConfigProblems {
  /** Complete lines, each with the line of the file that it is about. */
  readonly #lines: Map<string, number>;

  /**
   * @param file What the file is called in messages; absent if there is none.
   * @param lines What {@linkcode lines} was of others.
   */
  constructor(readonly file?: string, lines: ConfigProblems["lines"] = []) {
    this.#lines = new Map(lines);
  }

  /** Complete lines, each with the line of the file that it is about. */
  get lines(): readonly (readonly [text: string, line: number])[] {
    return [...this.#lines];
  }

  /** Whether there are so many that further ones are of no use. */
  get full(): boolean {
    return this.#lines.size > MAX_PROBLEMS;
  }

  /** Takes what is wrong in a line of the file, or with the file as a whole. */
  add(line: number | undefined, problem: string): void {
    const place = line === undefined ? this.file : `${this.file}:${line}`;
    this.#add(`${place}: ${problem}`, line ?? 0);
  }

  /** Takes what is wrong with the value of an option, wherever it was written. */
  addOption(name: OptionName, { written, problem }: { written: Written; problem: string }): void {
    const text = quote(written.text);
    if (written.line !== undefined) this.add(written.line, `${keyOf(name)} ${text}: ${problem}`);
    else this.#add(`${flagOf(name)} ${text}: ${problem}`, AFTER_THE_FILE);
  }

  #add(text: string, line: number): void {
    if (!this.full) this.#lines.set(text, line);
  }

  /**
   * Does nothing if nothing is wrong.
   *
   * @throws {UsageError} With a line for each problem, in the order of the file.
   */
  throwIfAny(): void {
    if (this.#lines.size === 0) return;
    const ordered = [...this.#lines].sort(([, one], [, other]) => one - other);
    const told = ordered.slice(0, MAX_PROBLEMS).map(([text]) => text);
    if (this.full) told.push(`${this.file}: has further problems, which are not told`);
    throw new UsageError(told.join("\n"));
  }
}

/** Takes the problems of a listener that a file configures. */
export function fileReporter(source: ListenerSource, problems: ConfigProblems): Reporter {
  return {
    report(part, problem) {
      const written = find(part);
      if (typeof part === "object" && "option" in part) {
        problems.addOption(part.option, { written: written ?? { text: "" }, problem });
      } else if (written) {
        const key = part === "listen" ? "listen" : "destinations";
        problems.add(written.line, `${key} ${quote(written.text)}: ${problem}`);
      }
      // An address that is missing was reported by the reader of the file.
    },
    mention(part, value) {
      if (part === "listen" || part === "destinations") return part;
      const written = find(part);
      const place = written?.line === undefined ? "" : ` in line ${written.line}`;
      if ("destination" in part) return quote(written?.text ?? "") + place;
      const fromFlag = written !== undefined && written.line === undefined;
      const name = fromFlag ? flagOf(part.option) : keyOf(part.option);
      return name + (value === undefined ? "" : ` ${value}`) + place;
    },
  };

  function find(part: Part): Written | undefined {
    if (part === "listen") return source.listen;
    if (part === "destinations") return undefined;
    if ("destination" in part) return source.destinations[part.destination];
    return source.options[part.option];
  }
}
