// Photographs the dashboard in every state into a folder, light and dark, on a desk and on a phone,
// and writes what axe finds: deno run -A scripts/photograph.ts FOLDER [--watched] [STATE…]
/// <reference lib="dom" />
import { parseArgs } from "@std/cli/parse-args";
import { crowdedRows, findings, isSerious, moving, smallTargets } from "../tests/support/axe.ts";
import { findChromium, launch } from "../tests/support/browser.ts";
import { PAGE_STATES, type PageState } from "../tests/support/page_states.ts";
import { SCHEMES, SIZES, Stage } from "../tests/support/page_stage.ts";

const { _: [folder, ...names], watched } = parseArgs(Deno.args, {
  string: ["_"],
  boolean: ["watched"],
}) as { _: string[]; watched: boolean };

if (folder === undefined) fail("which folder? deno run -A scripts/photograph.ts FOLDER [STATE…]");
if (findChromium() === undefined) fail("no Chromium here; CHROMIUM names one that is elsewhere");
const unknown = names.find((name) => !PAGE_STATES.some((state) => state.name === name));
if (unknown) fail(`${unknown}: no such state; ${PAGE_STATES.map(({ name }) => name).join(", ")}`);

await Deno.mkdir(folder, { recursive: true });
const browser = await launch();
const report: string[] = [];
for (const state of PAGE_STATES) {
  if (names.length > 0 && !names.includes(state.name)) continue;
  console.log(state.name);
  await photograph(state);
}
await browser.close();
await Deno.writeTextFile(`${folder}/report.md`, report.join("\n") + "\n");

/** All pictures of a state, and its part of the report. */
async function photograph(state: PageState): Promise<void> {
  report.push(`\n## ${state.name}\n`, `${state.about}\n`);
  await using stage = await Stage.open(state, { in: browser, watched });
  const { tab: { page } } = stage;
  for (const size of Object.keys(SIZES) as (keyof typeof SIZES)[]) {
    for (const scheme of SCHEMES) {
      await stage.turn({ scheme, size });
      const file = `${state.name}-${scheme}-${size}.png`;
      await page.screenshot({ path: `${folder}/${file}`, fullPage: true });
      report.push(`### ${file}\n`);
      for (const finding of await findings(page)) {
        const { rule, impact, help, number, nodes } = finding;
        const mark = isSerious(finding) ? "**" : "";
        report.push(`- ${mark}${impact}${mark} ${rule} (${number}): ${help}`);
        for (const { target, why } of nodes) report.push(`  - \`${target}\`: ${why}`);
      }
    }
    if (size === "phone") list("targets below 44 px", await smallTargets(page));
  }
  list("moves although motion is to be reduced", await moving(page));
  list("rows with more than one tab stop", await crowdedRows(page));
  list("complaints of the browser", stage.tab.complaints.filter((one) => !/ERR_|401/.test(one)));
}

function list(what: string, all: readonly string[]): void {
  if (all.length === 0) return;
  report.push(`- ${what} (${all.length})`, ...all.slice(0, 12).map((one) => `  - ${one}`));
}

function fail(message: string): never {
  console.error(message);
  Deno.exit(2);
}
