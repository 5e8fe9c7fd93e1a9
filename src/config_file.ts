import { ConfigProblems } from "./config_problems.ts";
import type {
  ListenerSource,
  ProgramSource,
  WrittenOptions,
  WrittenRule,
} from "./config_source.ts";
import {
  type ConfigTables,
  DESTINATIONS_FORM,
  HEADER,
  readTables,
  type Table,
} from "./config_tables.ts";
import { fileProblem, UsageError } from "./errors.ts";
import { readToml } from "./toml.ts";

/** What was given on the command line, which wins over the file. */
export interface Flags {
  readonly options: WrittenOptions;
  readonly rules: readonly WrittenRule[];
}

/** A configuration file. */
export interface ConfigFile {
  /** As the operator named it. */
  readonly name: string;
  /** Absolute, so that it stays the same file. */
  readonly path: string;
}

/**
 * Reads a configuration file, and what is given by flags over it.
 *
 * @returns Everything that is allowed, and the problems so far with the rest.
 * @throws {UsageError} If the file cannot be read, or is not TOML.
 */
export async function readConfigFile(
  { name, path }: ConfigFile,
  flags: Flags,
): Promise<{ source: ProgramSource; problems: ConfigProblems }> {
  // deno-lint-ignore no-control-regex -- a name with a line break would make two lines of one
  const file = /[\x00-\x1f\x7f]/.test(name) ? JSON.stringify(name) : name;
  const entries = await readToml(await readText(path, file), file);
  const problems = new ConfigProblems(file);
  const { top, listeners } = readTables(entries, problems);
  if (entries.length === 0) problems.add(undefined, `is empty; ${FORM}`);
  else reportMissing({ top, listeners }, problems);
  const merge = (table: Table) => mergeTable(table, { top, flags });
  const source = {
    file,
    options: { ...top.options, ...flags.options },
    listeners: listeners.length === 0 ? [merge(top)] : listeners.map(merge),
  };
  return { source, problems };
}

const FORM = `must have listen and destinations, or ${HEADER} tables that have`;

async function readText(path: string, file: string): Promise<string> {
  let bytes: Uint8Array;
  try {
    bytes = await Deno.readFile(path);
  } catch (error) {
    throw new UsageError(`${file}: cannot be read: ${fileProblem(error)}`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new UsageError(`${file}: is no text in UTF-8, which TOML must be`);
  }
}

/** What a listener cannot do without. */
function reportMissing({ top, listeners }: ConfigTables, problems: ConfigProblems): void {
  if (listeners.length === 0 && top.keys.has("listener")) return;
  if (listeners.length === 0 && !top.keys.has("listen") && !top.keys.has("destinations")) {
    return problems.add(undefined, `has no listener; ${FORM}`);
  }
  for (const table of listeners.length === 0 ? [top] : listeners) {
    const [line] = table.line === undefined ? table.keys.values() : [table.line];
    if (!table.keys.has("listen")) {
      problems.add(line, `listen is missing; must be an address, such as listen = "8080"`);
    }
    if (!table.keys.has("destinations")) {
      problems.add(line, `destinations is missing; must be ${DESTINATIONS_FORM}`);
    }
  }
}

/** A listener with the defaults from the top level and what the command line says. */
function mergeTable(
  table: Table,
  { top, flags }: { top: Table; flags: Flags },
): ListenerSource {
  return {
    listen: table.listen,
    destinations: table.destinations,
    options: { ...top.options, ...table.options, ...flags.options },
    rules: flags.rules.length > 0 ? flags.rules : table.rules ?? top.rules ?? [],
  };
}
