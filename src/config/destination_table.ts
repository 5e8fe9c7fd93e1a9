import type { ConfigProblems } from "./problems.ts";
import type { Written } from "./source.ts";
import {
  isMark,
  isWrittenOption,
  writtenOption,
  type WrittenOptionName,
  writtenOptionNames,
} from "./options/destination.ts";
import { splitDestination, writeDestination } from "./destination_text.ts";
import { checkCommand, formatCommand } from "./exec_address.ts";
import { problemWith } from "./option.ts";
import { cut, nearest } from "../base/text.ts";
import { AddressError } from "../net/address.ts";
import type { TomlEntry, TomlValue } from "./toml.ts";
import { keyText, listed, scalar, shown, typeOf } from "./toml_values.ts";

/** A destination that was written as a table, such as `{ address = "9001", workers = 4 }`. */
export interface DestinationTable {
  readonly line: number;
  address: Written | undefined;
  /** The same for a program that was written word by word. */
  exec: Written | undefined;
  readonly options: Partial<Record<WrittenOptionName, string>>;
  /** The keys that it has, those with wrong values included. */
  readonly keys: Set<string>;
}

/** Where the destinations of a listener are collected. */
export interface DestinationLists {
  readonly destinations: Written[];
  /** Those that are tables, by their place in the list. */
  readonly destinationTables: Map<number, DestinationTable>;
  /** The keys of the listener that were read, with their lines. */
  readonly keys: Map<string, number>;
}

/** Takes one element of a list of destinations, or one key of an element that is a table. */
export function readDestinationEntry(
  table: DestinationLists,
  { entry, index, problems }: { entry: TomlEntry; index: number; problems: ConfigProblems },
): void {
  const { path: [, , ...path], line, value } = entry;
  if (!table.keys.has("destinations")) table.keys.set("destinations", line);
  const reject = (problem: string, name = "destinations") => {
    problems.add(value.line, `${[cut(name), shown(value)].join(" ").trimEnd()}: ${problem}`);
  };
  if (path.length === 0 && value.kind === "table") {
    const empty = {
      line,
      address: undefined,
      exec: undefined,
      options: {},
      keys: new Set<string>(),
    };
    table.destinationTables.set(index, empty);
    return;
  }
  if (path.length === 0) {
    const written = scalar(value);
    if (!written) return reject(`must be an address in quotes, such as "9001", or a table`);
    table.destinations[index] = written;
    return;
  }
  const destination = table.destinationTables.get(index)!;
  // What is in a table goes without saying once the table itself is a problem.
  if (path.some((_, i) => i > 0 && destination.keys.has(keyText(path.slice(0, i))))) return;
  const key = keyText(path);
  destination.keys.add(key);
  const name = `destinations.${key}`;
  if (key === "address") {
    destination.address = scalar(value);
    if (!destination.address) reject("must be an address in quotes", name);
    else if (splitDestination(destination.address.text).length > 1) {
      reject("has no options, which are keys of the table; a comma in a path is \\\\,", name);
      destination.keys.add("broken");
    }
    return;
  }
  if (key === "exec") {
    const words = listOfWords(value);
    if (typeof words === "string") reject(words, name);
    else destination.exec = words;
    return;
  }
  if (!isWrittenOption(key)) {
    const known = ["address", "exec", ...writtenOptionNames()];
    return reject(`no such key; the nearest is ${nearest(key, known)}`, name);
  }
  const option = writtenOption(key);
  const text = optionText(key, value);
  if (text === undefined) return reject(`is ${typeOf(value)}; must be ${option.allowed}`, name);
  if (option.parse(text) === undefined) return reject(problemWith(option, text), name);
  destination.options[key] = text;
}

/** The table as a text, as if it had been written so. */
export function writtenDestination(
  { line, exec, address = exec, options, keys }: DestinationTable,
  problems: ConfigProblems,
): Written | undefined {
  if (!keys.has("address") && !keys.has("exec")) {
    problems.add(
      line,
      'destinations: address is missing; must be as in { address = "9001" }, ' +
        'or { exec = ["/usr/bin/cat"] }',
    );
  }
  if (keys.has("address") && keys.has("exec")) {
    problems.add(line, "destinations: has address and exec; must have one of them");
  }
  if (!address) return undefined;
  const [plain] = splitDestination(address.text);
  return { text: writeDestination(plain, options), line: address.line };
}

/** The words of a program as a text, or what is wrong with them. */
function listOfWords(value: TomlValue): Written | string {
  const words = value.kind === "list" && value.items.length > 0
    ? value.items.map((item) => item.kind === "string" ? item.text : undefined)
    : [undefined];
  if (!words.every((word) => word !== undefined)) {
    return 'must be a list of one text or more, such as ["/usr/bin/rsync", "--server", "--daemon", "."]';
  }
  try {
    return { text: formatCommand(checkCommand(words)), line: value.line };
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    return error.message;
  }
}

/** A value as it would stand in a text. */
function optionText(name: WrittenOptionName, value: TomlValue): string | undefined {
  if (isMark(name) && value.kind === "boolean") return String(value.value);
  const option = writtenOption(name);
  if (value.kind === "integer" && !option.notation?.integers) return undefined;
  return (option.notation?.list ? listed(value, option) : scalar(value))?.text;
}
