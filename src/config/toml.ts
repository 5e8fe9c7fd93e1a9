import type { AST } from "toml-eslint-parser";
import { UsageError } from "../base/errors.ts";
import { measureToml } from "./toml_limits.ts";

/** Most characters of the source that a message repeats. */
const SNIPPET = 60;

/** A value with its place. */
export type TomlValue =
  & {
    /** Counts from 1. */
    readonly line: number;
    /** As it was written, in one line and not too long. */
    readonly snippet: string;
  }
  & (
    | { readonly kind: "string" | "integer"; readonly text: string }
    | { readonly kind: "list"; readonly items: readonly TomlValue[] }
    | { readonly kind: "boolean"; readonly value: boolean }
    | { readonly kind: "table" }
    /** What no option is: `type` says what, such as "a float". */
    | { readonly kind: "other"; readonly type: string }
  );

/**
 * A key, a table or an element of a list with tables. The contents of a table come after it, as do
 * the elements of a list with tables after the list, if it was written as one.
 */
export interface TomlEntry {
  /** The keys that lead to it, and numbers in lists of tables: `["listener", 0, "queue"]`. */
  readonly path: readonly (string | number)[];
  readonly line: number;
  readonly value: TomlValue;
}

/**
 * Reads a TOML document to a flat list of everything in it, in its order. However tables are
 * written, with headers, braces or dots, the paths are the same.
 *
 * @param file What the file is called in messages.
 * @throws {UsageError} If it is not TOML, or has too much of something; the message names the first line that is not.
 */
export async function readToml(source: string, file: string): Promise<TomlEntry[]> {
  measureToml(source, file);
  // Most starts have no file to read and need not wait for the parser to load.
  const { parseTOML, ParseError } = await import("toml-eslint-parser");
  try {
    const { body } = parseTOML(source, { tomlVersion: "1.1.0" });
    return body[0].body.flatMap((node) => flatten(node, { prefix: [], source }));
  } catch (error) {
    if (error instanceof ParseError) {
      const line = source.split("\n")[error.lineNumber - 1] ?? "";
      const where = `${file}:${error.lineNumber}: ${JSON.stringify(snippetOf(line.trim()))}`;
      const problem = `${lowerFirst(error.message)} (in column ${error.column + 1})`;
      throw new UsageError(`${where}: is not TOML: ${problem}${hintFor(line)}`);
    }
    if (error instanceof RangeError) {
      throw new UsageError(
        `${file}: has something that is too long, or nested too deeply, to read`,
      );
    }
    throw error;
  }
}

function flatten(
  node: AST.TOMLTable | AST.TOMLKeyValue,
  { prefix, source }: { prefix: TomlEntry["path"]; source: string },
): TomlEntry[] {
  const { line } = node.loc.start;
  if (node.type === "TOMLTable") {
    const path = node.resolvedKey;
    const header: TomlEntry = { path, line, value: { kind: "table", line, snippet: "" } };
    return [header, ...node.body.flatMap((child) => flatten(child, { prefix: path, source }))];
  }
  const path = [...prefix, ...node.key.keys.map((key) => "name" in key ? key.name : key.value)];
  return flattenValue(node.value, { path, line, source });
}

function flattenValue(
  node: AST.TOMLContentNode,
  { path, line, source }: { path: TomlEntry["path"]; line: number; source: string },
): TomlEntry[] {
  if (node.type === "TOMLInlineTable") {
    const children = node.body.flatMap((child) => flatten(child, { prefix: path, source }));
    return [{ path, line, value: valueOf(node, source) }, ...children];
  }
  const list = { path, line, value: valueOf(node, source) };
  if (node.type !== "TOMLArray" || !node.elements.some(isTable)) return [list];
  const elements = node.elements.flatMap((element, i) => {
    const place = { path: [...path, i], line: element.loc.start.line, source };
    return flattenValue(element, place);
  });
  return [list, ...elements];
}

function isTable({ type }: AST.TOMLContentNode): boolean {
  return type === "TOMLInlineTable";
}

function valueOf(node: AST.TOMLContentNode, source: string): TomlValue {
  const { line } = node.loc.start;
  const place = { line, snippet: snippetOf(source.slice(...node.range)) };
  if (node.type === "TOMLInlineTable") return { ...place, kind: "table" };
  if (node.type === "TOMLArray") {
    const items = node.elements.map((element) => valueOf(element, source));
    return { ...place, kind: "list", items };
  }
  switch (node.kind) {
    case "string":
      return { ...place, kind: "string", text: node.value };
    case "integer":
      return { ...place, kind: "integer", text: String(node.bigint) };
    case "boolean":
      return { ...place, kind: "boolean", value: node.value };
    case "float":
      return { ...place, kind: "other", type: "a float" };
    default:
      return { ...place, kind: "other", type: "a date or time" };
  }
}

/** A piece of the file for a message. */
function snippetOf(source: string): string {
  const text = source.slice(0, 4 * SNIPPET).replace(/\s+/g, " ");
  return text.length > SNIPPET ? `${text.slice(0, SNIPPET)}…` : text;
}

/** The commonest mistake is a text without quotes. */
function hintFor(line: string): string {
  const [, key, value] = /^\s*([\w-]+)\s*=\s*([^\s"'#=[\]{},]+)\s*(?:#.*)?$/.exec(line) ?? [];
  if (value === undefined || /^[+-]?\d+$/.test(value)) return "";
  return `; a text must have quotes: ${key} = ${JSON.stringify(value)}`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
