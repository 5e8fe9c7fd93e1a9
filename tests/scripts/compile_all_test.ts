import { assertEquals } from "@std/assert";
import { CompileError, type CompileOptions } from "../../scripts/compile.ts";
import { compileAll } from "../../scripts/compile_all.ts";

const LINUX = "x86_64-unknown-linux-gnu";
const ARM = "aarch64-unknown-linux-gnu";
const WINDOWS = "x86_64-pc-windows-msvc";

/** A compiler that has the runtimes of some targets, or is given them. */
function played(has: readonly string[], asked: CompileOptions[] = []) {
  return async (options: CompileOptions) => {
    asked.push(options);
    const { target, output, runtime } = options;
    if (!has.includes(target!) && runtime === undefined) {
      throw new CompileError("deno compile failed: no route to the host");
    }
    await Deno.writeTextFile(output, `for ${target}`);
  };
}

async function run(
  compile: (options: CompileOptions) => Promise<void>,
  { targets, env = {}, dist }: {
    targets: readonly string[];
    env?: Record<string, string>;
    dist: string;
  },
) {
  const lines: string[] = [];
  const tell = (line: string) => void lines.push(line);
  const missing = await compileAll({ targets, dist, env, compile, tell });
  const sums = await Deno.readTextFile(`${dist}/SHA256SUMS`);
  const files = [...Deno.readDirSync(dist)].map(({ name }) => name).sort();
  return { missing, lines, sums, files };
}

async function inFolder(test: (dist: string) => Promise<void>): Promise<void> {
  const dist = await Deno.makeTempDir();
  try {
    await test(dist);
  } finally {
    await Deno.remove(dist, { recursive: true });
  }
}

Deno.test("a target whose runtime cannot be had is skipped in one line, the others have sums", async () => {
  await inFolder(async (dist) => {
    const targets = [LINUX, ARM, WINDOWS];
    const { missing, lines, sums, files } = await run(played([LINUX, WINDOWS]), { targets, dist });
    assertEquals(missing, 1);
    assertEquals(lines[1], `${ARM}: skipped, deno compile failed: no route to the host`);
    assertEquals(lines.length, 3);
    const binaries = files.filter((name) => name !== "SHA256SUMS");
    assertEquals(sums.trim().split("\n").map((line) => line.split("  ")[1]).sort(), binaries);
    assertEquals(binaries.map((name) => name.endsWith(".exe")), [true, false]);
    const check = new TextEncoder().encode(`for ${LINUX}`);
    const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", check)).toHex();
    assertEquals(sums.split("\n")[0]!.split("  ")[0], sum);
  });
});

Deno.test("each target has a runtime of its own by its variable, which has to be a file", async () => {
  await inFolder(async (dist) => {
    const file = `${dist}/denort`;
    await Deno.writeTextFile(file, "");
    const asked: CompileOptions[] = [];
    const env = {
      DENORT_BIN_AARCH64_UNKNOWN_LINUX_GNU: file,
      DENORT_BIN_X86_64_PC_WINDOWS_MSVC: `${dist}/absent`,
    };
    const { missing, lines } = await run(played([], asked), { targets: [ARM, WINDOWS], env, dist });
    assertEquals([missing, asked.map(({ runtime }) => runtime)], [1, [file]]);
    assertEquals(
      lines[1],
      `${WINDOWS}: skipped, DENORT_BIN_X86_64_PC_WINDOWS_MSVC is ${dist}/absent, where there is no file`,
    );
  });
});

Deno.test("a binary of a run before is removed when its target is missing now", async () => {
  await inFolder(async (dist) => {
    await run(played([LINUX, ARM]), { targets: [LINUX, ARM], dist });
    const { files } = await run(played([LINUX]), { targets: [LINUX, ARM], dist });
    assertEquals(files.length, 2);
  });
});
