// Writes what comes from the sources: the tables of the README, and the JSON schema of the
// configuration file. `deno run -A scripts/readme.ts`, then `deno fmt`.
import { configSchema } from "../src/config/schema.ts";
import { fieldRows } from "../src/config/values/access_template.ts";
import { reasonRows } from "../src/cli/help.ts";

const path = new URL("../README.md", import.meta.url);
let readme = await Deno.readTextFile(path);
replace("fields", ["| field | units | meaning |", "| --- | --- | --- |", ...fieldRows()]);
replace("end reasons", ["| reason | meaning |", "| --- | --- |", ...reasonRows()]);
await Deno.writeTextFile(path, readme);
await Deno.writeTextFile(
  new URL("../packaging/iawlb.schema.json", import.meta.url),
  JSON.stringify(configSchema(), null, 2) + "\n",
);

function replace(name: string, table: readonly string[]): void {
  const marked = new RegExp(`(<!-- ${name} -->\\n\\n)[^]*?(\\n\\n<!-- end of ${name} -->)`);
  if (!marked.test(readme)) throw new Error(`README.md has no marked table of ${name}`);
  readme = readme.replace(marked, (_, begin, end) => begin + table.join("\n") + end);
}
