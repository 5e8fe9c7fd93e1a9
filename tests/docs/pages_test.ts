import { assert, assertEquals } from "@std/assert";
import { tables } from "../../scripts/doc_tables.ts";
import { queuePicture } from "../../scripts/queue_picture.ts";
import { END_REASONS } from "../../src/operations/end_reasons.ts";
import project from "../../deno.json" with { type: "json" };
import { anchors, isThere, page, pages, prose } from "../support/doc_pages.ts";

Deno.test("the tables of the pages are the program's: deno task docs writes them", async () => {
  for (const { page: path, name, lines } of await tables()) {
    const begin = `<!-- ${name} -->`;
    const end = `<!-- end of ${name} -->`;
    const [, table = ""] = page(path).split(begin);
    // How wide its columns are is up to the formatter.
    const shown = table.split(end)[0]!.trim().split("\n").map(narrow);
    assertEquals(shown.toSpliced(1, 1), lines.toSpliced(1, 1).map(narrow), path);
  }
});

function narrow(row: string): string {
  return row.replace(/ +/g, " ");
}

Deno.test("the README is short, and every page of docs/ is linked from it", () => {
  const readme = page("README.md");
  assert(readme.trimEnd().split("\n").length <= 150);
  for (const { path } of pages()) {
    if (path !== "README.md") assert(readme.includes(`](${path}`), path);
  }
});

Deno.test("the pictures are those that the scripts draw, and small", async () => {
  const picture = await Deno.readTextFile(new URL("../../docs/images/queue.svg", import.meta.url));
  // How it is laid out is up to the formatter.
  const marks = (text: string) => text.replaceAll(/\s+/g, "");
  assertEquals(marks(picture), marks(queuePicture()));
  const folder = new URL("../../docs/images/", import.meta.url);
  const photographs = [...Deno.readDirSync(folder)].filter(({ name }) => name.endsWith(".png"));
  assertEquals(photographs.length, 4);
  for (const { name } of photographs) {
    const { size } = await Deno.stat(new URL(name, folder));
    assert(size > 10_000 && size < 150_000, `${name}: ${size}`);
  }
});

for (
  const { path, least } of [
    { path: "docs/failures.md", least: 60 },
    { path: "docs/models.md", least: 8 },
  ]
) {
  Deno.test(`each row of ${path} that needs a proof has a test that is there, and each test a row`, async () => {
    const text = page(path);
    const promised = [...text.matchAll(/^\| ([A-Z]\d+) +\| /gm)].map(([, row]) => row!);
    assertEquals(new Set(promised).size, promised.length);
    const proofs = [...text.matchAll(/^([A-Z]\d+) ((?:\w+\/)*\w+_test): (.+)$/gm)];
    assertEquals(new Set(proofs.map(([, row]) => row!)), new Set(promised));
    assert(promised.length > least, `${promised.length}`);
    for (const [, row, file, name] of proofs) {
      const source = await Deno.readTextFile(new URL(`../${file}.ts`, import.meta.url));
      assert(source.includes(name!), `${row}: tests/${file}.ts: ${name}`);
    }
  });
}

Deno.test("every file that the pages name is there", () => {
  let number = 0;
  for (const { path, text } of pages()) {
    const names = text.matchAll(
      /`((?:src|scripts|tests|packaging|examples|docs|types)\/[\w./-]*|(?:[a-z]+\/)+\w+\.ts)`/g,
    );
    for (const [, name] of names) {
      // The rooms are often named without the folder that all are in.
      assert(isThere(name!) || isThere(`src/${name}`), `${path}: ${name}`);
      number++;
    }
  }
  assert(number > 20, `${number}`);
});

Deno.test("every link leads somewhere: to a file that is there, and to a section of it", () => {
  let sections = 0;
  for (const { path, text } of pages()) {
    for (const [, link] of prose(text).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [file, section] = link!.split("#") as [string, string?];
      const folder = path.replace(/[^/]*$/, "");
      const target = file === "" ? path : new URL(file, `file:///${folder}`).pathname.slice(1);
      assert(isThere(target), `${path}: ${link}`);
      if (section === undefined) continue;
      assert(anchors(page(target)).has(section), `${path}: ${link}`);
      sections++;
    }
  }
  assert(sections > 20, `${sections}`);
});

Deno.test("the pages have no other version than that of the program, and the changelog has it", () => {
  for (const { path, text } of pages()) {
    if (path === "CHANGELOG.md") continue;
    for (
      const [, version] of text.matchAll(/iawlb[ _-](\d+\.\d+\.\d+)|pid \d+ {2}(\d+\.\d+\.\d+)/g)
    ) {
      assertEquals(version ?? project.version, project.version, path);
    }
  }
  assert(page("CHANGELOG.md").includes(`\n## ${project.version} - `));
});

Deno.test("what the pages call an end reason is one", () => {
  const reasons = new Set<string>(Object.keys(END_REASONS));
  const table = /## Sessions end too early([^]*?)\n## /.exec(page("docs/troubleshooting.md"))![1]!;
  const named = [...table.matchAll(/^\| `([a-z-]+)`/gm)].map(([, name]) => name!);
  assert(named.length > 5);
  for (const reason of named) assert(reasons.has(reason), reason);
});

Deno.test("the pages use the words of the field", () => {
  for (const { path, text } of pages()) {
    const found =
      /\b(?:the|full|each|own|a) line of (?:waiting|sessions)|\bcrew\b|\blines them up\b/i
        .exec(prose(text));
    assert(found === null, `${path}: ${found?.[0]}`);
  }
});
