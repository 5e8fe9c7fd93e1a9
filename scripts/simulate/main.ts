// Simulates balancers in front of thousand servers, and draws what comes of it: see docs/scale.md.
import { parseArgs } from "@std/cli/parse-args";
import { PICTURES, pictures } from "./large/pictures.ts";
import { readResults, RESULTS, sampleDigest, simulateAll, writeResults } from "./large/results.ts";
import { SIZES } from "./large/scenes.ts";

const HELP = `deno task simulate [--pictures]

Simulates a million clients with each policy in front of a thousand destinations, by one, two and ten
balancers, and more. Writes scripts/simulate/results.json and the pictures of docs/scale.md; its tables
are made by deno task docs.

  --pictures  only draws again what was simulated before
`;

const { help, pictures: draws } = parseArgs(Deno.args, { boolean: ["help", "pictures"] });
if (help) {
  console.log(HELP);
  Deno.exit(0);
}
if (!draws) {
  const began = performance.now();
  const results = await simulateAll(SIZES, { progress: (text) => console.error(text) });
  writeResults({ sizes: SIZES, results, sample: await sampleDigest() });
  console.error(`${((performance.now() - began) / 1000).toFixed(0)} s`);
}
const files = [RESULTS];
for (const [name, picture] of Object.entries(pictures(readResults().results))) {
  const file = new URL(name, PICTURES);
  Deno.writeTextFileSync(file, picture);
  files.push(file);
}
const fmt = ["fmt", "--quiet", ...files.map(({ pathname }) => pathname)];
new Deno.Command(Deno.execPath(), { args: fmt }).outputSync();
