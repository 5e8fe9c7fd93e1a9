// What the scripts that make something say when they are called wrongly.
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

const SCRIPTS = new URL("../../scripts/", import.meta.url).pathname;

/** Runs a script to its end. */
async function run(script: string, ...args: readonly string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", `${SCRIPTS}${script}.ts`, ...args],
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

for (const script of ["compile", "image", "package"]) {
  Deno.test(`${script}: what it does not know is one line and status 2`, async () => {
    const wrong = [["--binry", "x"], ["x"], ["--", "--output"], ["--output"], ["--output", "--x"]];
    await Promise.all([...wrong, ["--output", "a", "--output", "b"]].map(async (args) => {
      const { code, stdout, stderr } = await run(script, ...args);
      assertEquals([code, stdout], [2, ""], stderr);
      assertMatch(stderr, new RegExp(`^${script}: .+\\n$`));
    }));
  });
}

Deno.test("image: names that no engine takes, and levels that there are not, are refused", async () => {
  for (const name of ["Iawlb", "iawlb:1", "a b", "registry:5000/"]) {
    const { code, stderr } = await run("image", "--name", name);
    assertEquals(code, 2);
    assertStringIncludes(stderr, `image: --name ${name}: must be a name in lower case`);
  }
  assertEquals((await run("image", "--level", "0")).code, 2);
});

Deno.test("image, package: a binary that is not there or not the program is one line", async () => {
  const output = await Deno.makeTempDir();
  for (const script of ["image", "package"]) {
    const { code, stderr } = await run(script, "--output", output, "--binary", `${output}/none`);
    assertEquals(code, 1);
    assertMatch(stderr, new RegExp(`^${script}: No such file or directory.*\\n$`));
  }
  const { code, stderr } = await run("image", "--output", output, "--binary", Deno.execPath());
  assertEquals(code, 1);
  assertMatch(stderr, /^image: .*: is not iawlb .*\n$/);
  await Deno.remove(output);
});
