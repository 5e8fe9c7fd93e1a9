import type { ConfigProblems } from "./problems.ts";
import { type Option, problemWith } from "./option.ts";
import type { Written } from "./source.ts";
import type { TomlEntry } from "./toml.ts";
import { keyText, scalar, shown } from "./toml_values.ts";

/** A list whose elements may be tables of two keys, such as `[{ cert = "a.pem", key = "a.key" }]`. */
export interface PairTables {
  readonly line: number;
  /** By its place in the list what was written: a text, or the texts by their keys. */
  readonly elements: Map<number, string | Map<string, string>>;
  /** Whether something of it was reported. */
  wrong: boolean;
}

/** Takes such a list, one element of it, or one key of an element. */
export function readPairEntry(
  tables: Map<string, PairTables>,
  { key, entry: { path, line, value }, problems }: {
    key: string;
    entry: TomlEntry;
    problems: ConfigProblems;
  },
): void {
  const pairs = tables.get(key) ?? { line, elements: new Map(), wrong: false };
  tables.set(key, pairs);
  const [, index, ...keys] = path;
  if (index === undefined) return;
  const written = scalar(value);
  const { elements } = pairs;
  if (typeof index === "number" && keys.length === 0 && value.kind === "table") {
    elements.set(index, new Map());
  } else if (typeof index === "number" && keys.length === 0 && value.kind === "string") {
    elements.set(index, value.text);
  } else if (typeof index === "number" && keys.length === 1 && written) {
    const element = elements.get(index);
    if (element instanceof Map) element.set(String(keys[0]), written.text);
  } else {
    pairs.wrong = true;
    problems.add(line, `${keyText(path)} ${shown(value)}: must be a text in quotes`);
  }
}

/** The list as a text, as if it had been written so; `undefined` after a problem. */
export function writtenPairs(
  key: string,
  { pairs, option, problems }: {
    pairs: PairTables;
    option: Option<unknown>;
    problems: ConfigProblems;
  },
): Written | undefined {
  const { line, elements, wrong } = pairs;
  if (wrong) return undefined;
  const [first, second] = option.notation!.pairs!;
  const texts: string[] = [];
  for (const element of elements.values()) {
    if (typeof element === "string") {
      texts.push(element);
      continue;
    }
    const [one, other] = [element.get(first), element.get(second)];
    const unknown = [...element.keys()].find((name) => name !== first && name !== second);
    const separator = [one, other].find((path) => /[:,]/.test(path ?? ""));
    const problem = unknown !== undefined
      ? `${key}.${unknown}: no such key; must be ${first} and ${second}`
      : one === undefined || other === undefined
      ? `${key}: must have ${first} and ${second} in each table`
      : separator !== undefined
      ? `${key} "${separator}": a path with a colon or a comma cannot be given`
      : undefined;
    if (problem !== undefined) {
      problems.add(line, problem);
      return undefined;
    }
    texts.push(`${one}:${other}`);
  }
  const text = texts.join(",") || "none";
  if (option.parse(text) !== undefined) return { text, line };
  problems.add(line, `${key}: ${problemWith(option, text)}`);
  return undefined;
}
