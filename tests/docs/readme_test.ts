import { assert } from "@std/assert";
import { fieldRows } from "../../src/config/values/access_template.ts";
import { reasonRows } from "../../src/cli/help.ts";

const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
const lines = readme.split("\n");

Deno.test("the README's tables are the program's", () => {
  const rows = lines.map((line) => line.replace(/ +/g, " "));
  for (const row of [...reasonRows(), ...fieldRows()]) {
    assert(rows.includes(row.replace(/ +/g, " ")), row);
  }
});

Deno.test("every test that the README names is there", async () => {
  const named = [...readme.matchAll(/`((?:\w+\/)*\w+_test)`: ([^|]*)/g)];
  assert(named.length > 20);
  for (const [, file, names] of named) {
    const source = await Deno.readTextFile(new URL(`../${file}.ts`, import.meta.url));
    for (const name of names!.trim().split("; ")) {
      assert(source.includes(name), `tests/${file}.ts: ${name}`);
    }
  }
});

Deno.test("every file and every section that the README names is there", async () => {
  const paths = [
    ...readme.matchAll(/`((?:src|scripts|tests|packaging)\/[\w./]*)`/g),
    ...readme.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g),
  ].map(([, path]) => path!);
  assert(paths.length > 15);
  for (const path of paths) await Deno.stat(new URL(`../../${path}`, import.meta.url));
  const sections = lines.filter((line) => line.startsWith("#")).map((line) =>
    line.replace(/^#+ /, "").toLowerCase().replaceAll(" ", "-")
  );
  for (const [, section] of readme.matchAll(/\]\(#([^)]+)\)/g)) {
    assert(sections.includes(section!), section);
  }
});
