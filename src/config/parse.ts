import { ConfigProblems } from "./problems.ts";
import type { ListenerSource, ProgramSource, WrittenOptions, WrittenRule } from "./source.ts";
import {
  type ConfigTables,
  DESTINATIONS_FORM,
  HEADER,
  readTables,
  type Table,
} from "./file_tables.ts";
import { type OptionName, rowOf } from "./options.ts";
import { UsageError } from "../base/errors.ts";
import { entryFromFolder, type StartFolder } from "./start_folder.ts";
import { Pace } from "../async/pace.ts";
import { readToml } from "./toml.ts";

/** What was given on the command line, which wins over the file. */
export interface ConfigFlags {
  readonly options: WrittenOptions;
  readonly rules: readonly WrittenRule[];
  /** What relative paths in the file mean; the working directory if absent. */
  readonly folder?: StartFolder | undefined;
}

/** What a configuration file says, with the flags over it. */
export interface ParsedConfig {
  /** Everything that is allowed. */
  readonly source: ProgramSource;
  /** What is wrong with the rest, as far as that is known without the addresses. */
  readonly problems: ConfigProblems;
  /** What is allowed and most likely not meant, a line each, as far as only the reader sees it. */
  readonly warnings?: readonly string[];
}

/**
 * Reads what a configuration file consists of.
 *
 * @param options.file What the file is called in messages.
 * @throws {UsageError} If it is no text, is not TOML, or has too much of something.
 */
export async function parseConfig(
  bytes: Uint8Array,
  { file, flags }: { file: string; flags: ConfigFlags },
): Promise<ParsedConfig> {
  const written = await readToml(decode(bytes, file), file);
  const { folder } = flags;
  const entries = folder === undefined
    ? written
    : written.map((entry) => entryFromFolder(entry, { folder }));
  // Sessions have a turn before the other half of the work.
  await new Pace().turn();
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

function decode(bytes: Uint8Array, file: string): string {
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
  { top, flags }: { top: Table; flags: ConfigFlags },
): ListenerSource {
  const defaults = Object.entries(top.options).filter(([name]) => {
    return !rowOf(name as OptionName).single;
  });
  return {
    listen: table.listen,
    destinations: table.destinations,
    options: { ...Object.fromEntries(defaults), ...table.options, ...flags.options },
    rules: flags.rules.length > 0 ? flags.rules : table.rules ?? top.rules ?? [],
  };
}
