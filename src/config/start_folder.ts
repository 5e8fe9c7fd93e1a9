import { resolve } from "node:path";
import { isWrittenOption, writtenOption } from "./options/destination.ts";
import { splitDestination } from "./destination_text.ts";
import type { Option } from "./option.ts";
import { keyOf, optionNames, rowOf } from "./options.ts";
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
  const isPath = option?.path === true && text !== "" && text !== "-" &&
    !option.notation?.words?.includes(text);
  return isPath ? resolve(folder, text) : text;
}

/** A destination as it is written, with absolute paths in its options. */
export function destinationFromFolder(
  text: string,
  { folder }: { folder: StartFolder },
): string {
  // Most have none, and keep their spelling.
  const parts = splitDestination(text);
  const absolute = parts.map((part, i) => {
    const [, name = "", value] = /^([^=]*)=(.*)$/s.exec(part) ?? [];
    if (i === 0 || value === undefined || !isWrittenOption(name)) return part;
    return writtenOption(name).path ? `${name}=${fromFolder(name, { text: value, folder })}` : part;
  });
  if (absolute.every((part, i) => part === parts[i])) return text;
  return absolute.map((part) => part.replace(/[\\,]/g, "\\$&")).join(",");
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
