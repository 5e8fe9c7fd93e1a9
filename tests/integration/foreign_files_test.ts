import { assert, assertEquals } from "@std/assert";
import { Program, runProgram } from "../support/program.ts";
import { echo, request, TestServer } from "../support/servers.ts";

/** What others might leave where the program runs or keeps what is temporary. */
const PLANTED = {
  ".env": "NOTIFY_SOCKET=/nowhere\n",
  "deno.json": '{ "imports": { "ipaddr.js": "./evil.js" }, "unstable": ["evil"] }',
  "package.json": '{ "type": "module", "dependencies": { "ipaddr.js": "file:./evil" } }',
  "deno-compile-iawlb.cache": "evil",
  "evil.js": 'throw new Error("evil");',
};

/** Names and contents of everything in a folder. */
function contents(folder: string): Record<string, string> {
  const files = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  return Object.fromEntries(
    files.map((name) => [name, Deno.readTextFileSync(`${folder}/${name}`)]),
  );
}

Deno.test("nothing is read from, or left in, the folders where it runs and for what is temporary", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(PLANTED)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    const before = contents(folder);
    const environment = `cd ${folder}; export TMPDIR=${folder} NO_COLOR=1`;
    const { code, stdout, stderr } = await runProgram(["--version"], environment);
    assertEquals([code, stderr], [0, ""], stdout);
    await using server = new TestServer(echo);
    const options = ["--threads", "2", "--admin", "127.0.0.1:0"];
    const program = await Program.start([server.address], options, environment);
    await using _ = program;
    assertEquals(await request(program.port, "hello"), "hello");
    const admin = /admin API on (\S+?)"/.exec(await program.logged(/admin API on/))![1];
    assert((await (await fetch(`http://${admin}/`)).text()).includes("</html>"));
    assertEquals(await program.terminate(), 0);
    assertEquals(program.log.filter((line) => line.includes("evil")), []);
    assertEquals(contents(folder), before);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
