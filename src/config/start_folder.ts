import { resolve } from "node:path";
import { isWrittenOption, writtenOption } from "./options/destination.ts";
import { joinDestination, splitDestination } from "./destination_text.ts";
import { formatCommand, isExecText, parseExec } from "./exec_address.ts";
import type { Option } from "./option.ts";
import { keyOf, optionNames, rowOf } from "./options.ts";
import { AddressError } from "../net/address.ts";
import { isServiceOption, SERVICE_OPTIONS } from "./options/service.ts";
import type { TomlEntry, TomlValue } from "./toml.ts";

/**
 * What relative paths mean to a daemon: the folder in which it was started. It is in another one
 * itself, so that they are made absolute as soon as they are read, at each reload as well.
 */
export type StartFolder = string;

/** The value of an option, by its key or the name of a flag, with an absolute path if it is one. */
export function fromFolder(key: string, { text, folder }: { text: string; folder: StartFolder }) {
  const option = optionOf(key);
  if (option?.withPaths) return option.withPaths(text, (path) => resolve(folder, path));
  const isPath = option?.path === true && text !== "" && text !== "-" &&
    !option.notation?.words?.includes(text);
  return isPath ? resolve(folder, text) : text;
}

/** A destination as it is written, with absolute paths in its options. */
export function destinationFromFolder(
  text: string,
  { folder }: { folder: StartFolder },
): string {
  const [address, ...options] = splitDestination(text);
  const absolute = options.map((part) => {
    const [, name = "", value] = /^([^=]*)=(.*)$/s.exec(part) ?? [];
    if (value === undefined || !isWrittenOption(name) || !writtenOption(name).path) return part;
    return `${name}=${fromFolder(name, { text: value, folder })}`;
  });
  const place = programFromFolder(address, folder);
  // Most have none, and keep their spelling.
  if (place === address && absolute.every((part, i) => part === options[i])) return text;
  return joinDestination(place, absolute);
}

/** A program that is named by its path, with an absolute one; any other address as it is. */
function programFromFolder(address: string, folder: StartFolder): string {
  if (!isExecText(address)) return address;
  try {
    const [program, ...args] = parseExec(address)!;
    return pathFromFolder(program, folder) === program
      ? address
      : formatCommand([pathFromFolder(program, folder), ...args]);
  } catch (error) {
    // That is told where it is read.
    if (error instanceof AddressError) return address;
    throw error;
  }
}

/** A program without a slash in its name is looked for elsewhere. */
function pathFromFolder(program: string, folder: StartFolder): string {
  return program.includes("/") ? resolve(folder, program) : program;
}

/** What a configuration file says, with absolute paths. */
export function entryFromFolder(
  { path, line, value }: TomlEntry,
  { folder }: { folder: StartFolder },
): TomlEntry {
  const key = path.at(-1);
  const place = path.lastIndexOf("destinations");
  // The list itself, or an element of it.
  if (place >= 0 && path.slice(place + 1).every((one) => typeof one === "number")) {
    return {
      path,
      line,
      value: mapTexts(value, (text) => destinationFromFolder(text, { folder })),
    };
  }
  if (place >= 0 && key === "exec" && value.kind === "list") {
    const items = value.items.map((item, i) => {
      return i === 0 ? mapTexts(item, (text) => pathFromFolder(text, folder)) : item;
    });
    return { path, line, value: { ...value, items } };
  }
  if (place >= 0 && key === "address") {
    return { path, line, value: mapTexts(value, (text) => programFromFolder(text, folder)) };
  }
  const [list] = path.slice(-3);
  if (path.length >= 3 && typeof list === "string" && OPTION_ROWS.get(list)?.notation?.pairs) {
    return { path, line, value: mapTexts(value, (text) => resolve(folder, text)) };
  }
  if (typeof key !== "string") return { path, line, value };
  return { path, line, value: mapTexts(value, (text) => fromFolder(key, { text, folder })) };
}

function mapTexts(value: TomlValue, change: (text: string) => string): TomlValue {
  if (value.kind === "string") return { ...value, text: change(value.text) };
  if (value.kind !== "list") return value;
  return { ...value, items: value.items.map((item) => mapTexts(item, change)) };
}

function optionOf(key: string): Option<unknown> | undefined {
  if (isServiceOption(key)) return SERVICE_OPTIONS[key];
  if (isWrittenOption(key)) return writtenOption(key);
  return OPTION_ROWS.get(key);
}

const OPTION_ROWS: ReadonlyMap<string, Option<unknown>> = new Map(
  optionNames().map((name) => [keyOf(name), rowOf(name)]),
);
