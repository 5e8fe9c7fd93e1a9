// Writes the options into the README's table: `deno run -A scripts/readme.ts`, then `deno fmt`.
import { optionRows } from "../src/help.ts";

const path = new URL("../README.md", import.meta.url);
const readme = await Deno.readTextFile(path);
const table = ["| flag | default | what it does |", "| --- | --- | --- |", ...optionRows()];
const marked = /(<!-- options -->\n\n)[^]*?(\n\n<!-- end of options -->)/;
if (!marked.test(readme)) throw new Error("README.md has no marked table of options");
await Deno.writeTextFile(
  path,
  readme.replace(marked, (_, begin, end) => begin + table.join("\n") + end),
);
