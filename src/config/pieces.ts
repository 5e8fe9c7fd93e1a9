import type { ProgramSource, Written, WrittenOptions, WrittenRule } from "./source.ts";
import type { ConfigProblems } from "./problems.ts";

/** Most entries of a piece: taking them out of a message takes a fraction of a millisecond. */
const ENTRIES = 250;

/** What was read of a configuration. */
export interface WholeConfig {
  readonly source: ProgramSource;
  readonly problems: ConfigProblems["lines"];
}

/** A listener whose lists are in pieces of their own. */
interface ListenerOutline {
  readonly listen: Written | undefined;
  readonly options: WrittenOptions;
  /** The numbers of its lists. */
  readonly destinations: number;
  readonly rules: number;
}

/** A part of a configuration that is sent from one thread to another. */
export type ConfigPiece =
  | { readonly list: number; readonly entries: readonly Written[] }
  | { readonly listener: ListenerOutline }
  | { readonly problems: ConfigProblems["lines"] }
  | { readonly file: string | undefined; readonly options: WrittenOptions };

/**
 * Takes a configuration apart: whoever receives it whole is held up while the runtime makes its
 * objects, of which there can be a hundred thousand. A list that several listeners share goes once.
 */
export function* toPieces({ source, problems }: WholeConfig): Generator<ConfigPiece> {
  const numbers = new Map<readonly Written[], number>();
  function* send(list: readonly Written[]): Generator<ConfigPiece, number> {
    const known = numbers.get(list);
    if (known !== undefined) return known;
    const number = numbers.size;
    numbers.set(list, number);
    for (const entries of parts(list)) yield { list: number, entries };
    return number;
  }
  const { file, options, listeners } = source;
  yield { file, options };
  for (const { listen, options, destinations, rules } of listeners) {
    const outline = { destinations: yield* send(destinations), rules: yield* send(rules) };
    yield { listener: { listen, options, ...outline } };
  }
  for (const some of parts(problems)) yield { problems: some };
}

/** Puts a configuration together again. */
export class PiecesOfConfig {
  readonly #lists: Written[][] = [];
  readonly #listeners: ListenerOutline[] = [];
  readonly #problems: ConfigProblems["lines"][number][] = [];
  #head: Pick<ProgramSource, "file" | "options"> = { options: {} };

  add(piece: ConfigPiece): void {
    if ("list" in piece) (this.#lists[piece.list] ??= []).push(...piece.entries);
    else if ("listener" in piece) this.#listeners.push(piece.listener);
    else if ("problems" in piece) this.#problems.push(...piece.problems);
    else this.#head = piece;
  }

  whole(): WholeConfig {
    const listeners = this.#listeners.map(({ listen, options, destinations, rules }) => ({
      listen,
      options,
      destinations: this.#lists[destinations] ?? [],
      rules: (this.#lists[rules] ?? []) as readonly Written[] as readonly WrittenRule[],
    }));
    return { source: { ...this.#head, listeners }, problems: this.#problems };
  }
}

function* parts<T>(list: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < list.length; at += ENTRIES) yield list.slice(at, at + ENTRIES);
}
