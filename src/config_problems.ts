import type { Part, Reporter } from "./config.ts";
import type { ListenerSource, Written } from "./config_source.ts";
import { UsageError } from "./errors.ts";
import { flagOf, keyOf, type OptionName } from "./options.ts";

/** Where the problems of flags come in the order of lines. */
const AFTER_THE_FILE = Number.MAX_SAFE_INTEGER;

/** Everything that is wrong with a configuration that comes from a file and flags. */
export class ConfigProblems {
  /** Complete lines, each with the line of the file that it is about. */
  readonly #lines = new Map<string, number>();

  /** @param file What the file is called in messages; absent if there is none. */
  constructor(readonly file?: string) {}

  /** Takes what is wrong in a line of the file, or with the file as a whole. */
  add(line: number | undefined, problem: string): void {
    const place = line === undefined ? this.file : `${this.file}:${line}`;
    this.#lines.set(`${place}: ${problem}`, line ?? 0);
  }

  /** Takes what is wrong with the value of an option, wherever it was written. */
  addOption(name: OptionName, { written, problem }: { written: Written; problem: string }): void {
    const text = JSON.stringify(written.text);
    if (written.line !== undefined) this.add(written.line, `${keyOf(name)} ${text}: ${problem}`);
    else this.#lines.set(`${flagOf(name)} ${text}: ${problem}`, AFTER_THE_FILE);
  }

  /**
   * Does nothing if nothing is wrong.
   *
   * @throws {UsageError} With a line for each problem, in the order of the file.
   */
  throwIfAny(): void {
    if (this.#lines.size === 0) return;
    const ordered = [...this.#lines].sort(([, one], [, other]) => one - other);
    throw new UsageError(ordered.map(([text]) => text).join("\n"));
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
        problems.add(written.line, `${key} ${JSON.stringify(written.text)}: ${problem}`);
      }
      // An address that is missing was reported by the reader of the file.
    },
    mention(part, value) {
      if (part === "listen" || part === "destinations") return part;
      const written = find(part);
      const place = written?.line === undefined ? "" : ` in line ${written.line}`;
      if ("destination" in part) return JSON.stringify(written?.text) + place;
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
