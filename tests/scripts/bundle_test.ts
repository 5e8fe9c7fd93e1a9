// What the standalone binary is made of, without the binary.
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { bundle, BundleError } from "../../scripts/bundle.ts";
import { answer, freePort, request, TestServer, until } from "../support/servers.ts";

const folder = await Deno.makeTempDir();
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const obstacle = await bundle(`${folder}/one`).then(() => undefined, (error: Error) => {
  if (!(error instanceof BundleError)) throw error;
  return error.message;
});
const skipped = obstacle === undefined ? "" : ` (skipped: ${obstacle})`;

Deno.test({
  name: `the bundle is the same bytes each time${skipped}`,
  ignore: skipped !== "",
  fn: async () => {
    await bundle(`${folder}/two`);
    const [one, two] = await Promise.all([filesOf(`${folder}/one`), filesOf(`${folder}/two`)]);
    assert(one.size > 20, `${one.size} files`);
    assertEquals(one, two);
  },
});

Deno.test({
  name: `the bundle has all that the program loads while it runs${skipped}`,
  ignore: skipped !== "",
  fn: async () => {
    await using server = new TestServer(answer("hello"));
    const [port, admin] = [freePort(), freePort()];
    const config = `${folder}/iawlb.toml`;
    await Deno.writeTextFile(
      config,
      `listen = "127.0.0.1:${port}"\ndestinations = ["${server.address}"]\nthreads = 2\n`,
    );
    await using program = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "-P",
        "main.js",
        "--config",
        config,
        "--admin",
        `127.0.0.1:${admin}`,
      ],
      cwd: `${folder}/one`,
      stdout: "null",
      stderr: "null",
    }).spawn();
    const page = () => fetch(`http://127.0.0.1:${admin}/`).then((it) => it.text(), () => "");
    await until(async () => (await page()).includes("</html>"), "it serves the dashboard");
    assertEquals(await request(port, "x"), "hello");
    // Long enough for a thread of its own.
    await Deno.writeTextFile(config, `${await Deno.readTextFile(config)}#${"x".repeat(100_000)}\n`);
    const reload = `http://127.0.0.1:${admin}/reload`;
    const headers = { "content-type": "application/json" };
    const reloaded = await (await fetch(reload, { method: "POST", headers })).json();
    assertEquals(reloaded, { changes: [], needs_restart: [] });
    const metrics = await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text();
    assertStringIncludes(metrics, "iawlb_");
    program.kill("SIGTERM");
    assertEquals((await program.status).code, 0);
  },
});

Deno.test("where there is no bundler the reason is told in a line", async () => {
  const nowhere = "http://127.0.0.1:1";
  const env = {
    DENO_DIR: `${folder}/empty`,
    HTTPS_PROXY: nowhere,
    https_proxy: nowhere,
    NO_PROXY: "",
    no_proxy: "",
  };
  const error = await assertRejects(() => bundle(`${folder}/none`, { env }), BundleError);
  assert(/^deno bundle failed: .+$/.test(error.message), error.message);
});

/** The files below a folder by their paths, with their text and time. */
async function filesOf(root: string, below = ""): Promise<Map<string, [string, number]>> {
  const files = new Map<string, [string, number]>();
  for await (const { name, isDirectory } of Deno.readDir(`${root}${below}`)) {
    const path = `${below}/${name}`;
    if (isDirectory) {
      for (const [inner, content] of await filesOf(root, path)) files.set(inner, content);
    } else {
      const { mtime } = await Deno.stat(`${root}${path}`);
      files.set(path, [await Deno.readTextFile(`${root}${path}`), mtime!.getTime()]);
    }
  }
  return files;
}
