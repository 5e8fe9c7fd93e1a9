import { PLACE_FORMS } from "../net/address.ts";
import type { Verdict } from "../net/networks.ts";
import type { ConfigProblems } from "./problems.ts";
import {
  type DestinationTable,
  readDestinationEntry,
  writtenDestination,
} from "./destination_table.ts";
import type { Written, WrittenRule } from "./source.ts";
import { problemWith } from "./option.ts";
import { type PairTables, readPairEntry, writtenPairs } from "./pair_tables.ts";
import { isDestinationOption } from "./options/destination.ts";
import { keyOf, type OptionName, optionNames, OPTIONS, rowOf } from "./options.ts";
import { cut, nearest } from "../base/text.ts";
import type { TomlEntry, TomlValue } from "./toml.ts";
import { keyText, listed, scalar, shown, typeOf } from "./toml_values.ts";

/** How the table of a listener begins. */
export const HEADER = "[[listener]]";

/** What destinations must be, in words for a message. */
export const DESTINATIONS_FORM = 'a list of addresses, such as ["9001", "10.0.0.7:9003,workers=4"]';

/** Most listeners of a file, and most destinations and rules of one. */
const MAX_LISTENERS = 1000;
const MAX_DESTINATIONS = 10_000;
const MAX_RULES = 10_000;

/** What rules must be, in words for a message. */
const RULES_FORM = 'a list such as ["deny 10.0.0.1", "allow 10.0.0.0/8", "deny 0.0.0.0/0,::/0"]';

/** What the top level or one listener says, without what was wrong. */
export interface Table {
  /** The line of its header; absent for the top level. */
  readonly line: number | undefined;
  listen: Written | undefined;
  destinations: Written[];
  /** Those that are tables, by their index in the list. */
  readonly destinationTables: Map<number, DestinationTable>;
  /** Options whose lists have tables, by their keys. */
  readonly pairTables: Map<string, PairTables>;
  /** Without `allow` and `deny`. */
  readonly options: Partial<Record<OptionName, Written>>;
  /** Absent if it says nothing about them, so that those of the top level count. */
  rules: WrittenRule[] | undefined;
  /** The keys that it has, with their lines, those with wrong values included. */
  readonly keys: Map<string, number>;
}

/** What a configuration file says. */
export interface ConfigTables {
  readonly top: Table;
  readonly listeners: readonly Table[];
}

/** Sorts the contents of a file into tables; what is wrong with them goes to `problems`. */
export function readTables(entries: readonly TomlEntry[], problems: ConfigProblems): ConfigTables {
  const top = emptyTable(undefined);
  const listeners: Table[] = [];
  for (const { path, line, value } of entries) {
    if (problems.full) break;
    const [first, index, ...keys] = path;
    if (first !== "listener") {
      readEntry(top, { path, line, value }, problems);
    } else if (index === undefined && isListOfTables(value)) {
      continue;
    } else if (typeof index !== "number") {
      if (!top.keys.has(first)) problems.add(line, `listener: must be ${HEADER}, in two brackets`);
      top.keys.set(first, line);
    } else if (index >= MAX_LISTENERS) {
      problems.add(undefined, `has too many listeners; must be at most ${MAX_LISTENERS}`);
    } else if (keys.length > 0) {
      readEntry(listeners[index]!, { path: keys, line, value }, problems);
    } else {
      const table = listeners[index] = emptyTable(line);
      if (value.kind === "table") continue;
      problems.add(line, `listener ${shown(value)}: must be a table`);
      // Then it goes without saying that it has no addresses.
      for (const key of ["listen", "destinations"]) table.keys.set(key, line);
    }
  }
  for (const table of [top, ...listeners]) {
    for (const [index, destination] of table.destinationTables) {
      const written = writtenDestination(destination, problems);
      if (written) table.destinations[index] = written;
    }
    for (const [key, pairs] of table.pairTables) {
      const name = OPTION_KEYS.get(key)!;
      const written = writtenPairs(key, { pairs, option: rowOf(name), problems });
      if (written) table.options[name] = written;
    }
    // Without those that were reported.
    table.destinations = table.destinations.filter(() => true);
    checkNumbers(table, problems);
    rejectMixedRules(table, problems);
  }
  const [listener] = listeners;
  if (listener) rejectLooseListener(top, { beside: listener, problems });
  return { top, listeners };
}

function emptyTable(line: number | undefined): Table {
  return {
    line,
    listen: undefined,
    destinations: [],
    destinationTables: new Map(),
    pairTables: new Map(),
    options: {},
    rules: undefined,
    keys: new Map(),
  };
}

/** Takes one key of a table. */
function readEntry(table: Table, entry: TomlEntry, problems: ConfigProblems): void {
  const { path, line, value } = entry;
  if (path[0] === "destinations" && typeof path[1] === "number") {
    return readDestinationEntry(table, { entry, index: path[1], problems });
  }
  const listKey = String(path[0]);
  const listOf = OPTION_KEYS.get(listKey);
  if (listOf && rowOf(listOf).notation?.pairs && (path.length > 1 || isListOfTables(value))) {
    table.keys.set(listKey, line);
    return readPairEntry(table.pairTables, { key: listKey, entry, problems });
  }
  // What is in a table goes without saying once the table itself is a problem.
  if (path.some((_, i) => i > 0 && table.keys.has(keyText(path.slice(0, i))))) return;
  const key = keyText(path);
  table.keys.set(key, line);
  const reject = (problem: string, { at = value, name = key } = {}) => {
    problems.add(at.line, `${[cut(name), shown(at)].join(" ").trimEnd()}: ${problem}`);
  };
  switch (key) {
    case "listen":
      table.listen = scalar(value);
      if (!table.listen) reject(`must be ${PLACE_FORMS}, in quotes`);
      return;
    case "destinations":
      return readDestinations();
    case "rules":
      return readRules();
  }
  const name = OPTION_KEYS.get(key);
  const rule = name && rowOf(name).rule;
  if (rule) readNetworks(rule);
  else if (name !== undefined) readOption(name);
  else if (isDestinationOption(key)) reject("no such key; it is one of a table in destinations");
  else if (
    table.line === undefined && path.every((part, i) => i === 0 || typeof part === "number") &&
    (value.kind === "table" || isListOfTables(value))
  ) {
    reject(`no such table; the only one is ${HEADER}`);
    // That there is no listener goes without saying: this may have been meant to be one.
    if (!table.keys.has("listen") && !table.keys.has("destinations")) {
      table.keys.set("listener", line);
    }
  } else reject(`no such key; the nearest is ${nearestKey(key, table)}`);

  function readDestinations(): void {
    if (value.kind !== "list" || value.items.length === 0) {
      const form = value.kind === "string" ? asList(value.text) : DESTINATIONS_FORM;
      return reject(`must be ${form}`);
    }
    // A list with tables comes once more, element by element.
    if (isListOfTables(value)) return;
    for (const item of value.items) {
      const written = scalar(item);
      if (written) table.destinations.push(written);
      else reject(`must be an address in quotes, such as "9001", or a table`, { at: item });
    }
  }

  function readNetworks(verdict: Verdict): void {
    const { allowed, parse } = OPTIONS[verdict];
    table.rules ??= [];
    for (const item of value.kind === "list" ? value.items : [value]) {
      if (item.kind !== "string" || !parse(item.text)) reject(`must be ${allowed}`, { at: item });
      else table.rules.push({ verdict, text: item.text, line: item.line });
    }
  }

  function readRules(): void {
    if (value.kind !== "list") return reject(`must be ${RULES_FORM}`);
    table.rules ??= [];
    for (const item of value.items) {
      const [, verdict, text = ""] = item.kind === "string"
        ? /^(allow|deny) +(.*)$/s.exec(item.text) ?? []
        : [];
      if ((verdict === "allow" || verdict === "deny") && OPTIONS[verdict].parse(text)) {
        table.rules.push({ verdict, text, line: item.line });
      } else {
        reject(`must be allow or deny, a space and ${OPTIONS.allow.allowed}`, { at: item });
      }
    }
  }

  function readOption(name: OptionName): void {
    const option = rowOf(name);
    if (option.scope === "program" && table.line !== undefined) {
      return reject(
        `concerns the whole program; must stand at the top level, before the first ${HEADER}`,
      );
    }
    const written = value.kind === "integer" && !option.notation?.integers
      ? undefined
      : option.notation?.list
      ? listed(value, option)
      : option.notation?.booleans && value.kind === "boolean"
      ? { text: String(value.value), line: value.line }
      : scalar(value);
    if (!written) {
      return reject(
        `is ${typeOf(value)}; must be ${option.allowed}, in quotes${example(name, value)}`,
      );
    }
    if (option.parse(written.text) === undefined) return reject(problemWith(option, written.text));
    table.options[name] = written;
  }
}

/** The same list with an address that was written without one. */
function asList(text: string): string {
  // Options have no blanks behind their commas.
  const texts = text.split(/,? +/).filter((part) => part !== "");
  return `a list of addresses, such as ${JSON.stringify(texts).replaceAll('","', '", "')}`;
}

/** How an option that is on or off is written, where a boolean stands for it. */
function example(name: OptionName, value: TomlValue): string {
  if (value.kind !== "boolean") return "";
  const { notation, parse } = rowOf(name);
  const word = value.value ? "on" : "off";
  const isOne = notation?.words?.includes(word) && parse(word) !== undefined;
  return isOne ? `: ${keyOf(name)} = "${word}"` : "";
}

const OPTION_KEYS: ReadonlyMap<string, OptionName> = new Map(
  optionNames().map((name) => [keyOf(name), name]),
);

function isListOfTables(value: TomlValue): boolean {
  return value.kind === "list" && value.items.some(({ kind }) => kind === "table");
}

function nearestKey(key: string, table: Table): string {
  const known = ["listen", "destinations", "rules", ...OPTION_KEYS.keys()].filter((name) => {
    const option = OPTION_KEYS.get(name);
    return table.line === undefined || option === undefined || rowOf(option).scope !== "program";
  });
  return nearest(key, [...known, ...table.line === undefined ? [HEADER] : []]);
}

/** There may be more elements than the program should have to do with. */
function checkNumbers({ destinations, rules = [], keys }: Table, problems: ConfigProblems): void {
  if (destinations.length > MAX_DESTINATIONS) {
    problems.add(
      keys.get("destinations"),
      `destinations: has ${destinations.length} entries; must be at most ${MAX_DESTINATIONS}`,
    );
  }
  if (rules.length > MAX_RULES) {
    const line = keys.get("rules") ?? keys.get("allow") ?? keys.get("deny");
    problems.add(
      line,
      `allow and deny: have ${rules.length} entries; must be at most ${MAX_RULES}`,
    );
  }
}

/** One list has the order of all rules, two have an order only by where they stand. */
function rejectMixedRules({ keys }: Table, problems: ConfigProblems): void {
  const line = keys.get("rules");
  if (line === undefined || !(keys.has("allow") || keys.has("deny"))) return;
  problems.add(line, "rules: cannot stand beside allow or deny; must have all of them in order");
}

/** With tables of listeners, the top level is no listener itself. */
function rejectLooseListener(
  top: Table,
  { beside, problems }: { beside: Table; problems: ConfigProblems },
): void {
  const single = optionNames().filter((name) => rowOf(name).single).map(keyOf);
  for (const key of ["listen", "destinations", ...single]) {
    const line = top.keys.get(key);
    if (line === undefined) continue;
    problems.add(
      line,
      `${key}: cannot stand beside the ${HEADER} in line ${beside.line}; must be in a ` +
        `${HEADER} of its own`,
    );
  }
}
