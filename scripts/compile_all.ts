import project from "../deno.json" with { type: "json" };
import { compile, CompileError, sizeOf } from "./compile.ts";

const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
];
const DIST = "dist";

Deno.chdir(new URL("..", import.meta.url));
await Deno.mkdir(DIST, { recursive: true });
const sums: string[] = [];
for (const target of TARGETS) {
  const suffix = target.includes("windows") ? ".exe" : "";
  const output = `${DIST}/iawlb-${project.version}-${target}${suffix}`;
  try {
    await compile({ output, target });
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    console.error(`${target}: ${error.message}`);
    continue;
  }
  console.log(`${output}: ${await sizeOf(output)}`);
  sums.push(`${await sha256(output)}  ${output.slice(DIST.length + 1)}\n`);
}
await Deno.writeTextFile(`${DIST}/SHA256SUMS`, sums.join(""));
if (sums.length < TARGETS.length) Deno.exit(1);

async function sha256(path: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
  return new Uint8Array(digest).toHex();
}
