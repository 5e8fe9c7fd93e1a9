import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Program, runProgram } from "../support/program.ts";
import { freePort, request, TestServer } from "../support/servers.ts";
import { noTerminal, PROGRAM, Terminal } from "../support/terminal.ts";
import { unless } from "../support/unless.ts";

/** What people type at a prompt in the folder of the sources. */
const CALLED = Deno.env.get("IAWLB_BINARY") ? "iawlb" : "deno task start";

/** A folder that is gone in the end. */
async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("iawlb init writes a file that serves, and never writes over one", async () => {
  await using server = new TestServer(async (conn) => {
    await conn.write(new TextEncoder().encode("served"));
  }, { speaksFirst: true });
  await withFolder(async (folder) => {
    const file = `${folder}/new.toml`;
    const port = freePort();
    const args = ["--file", file, "--admin", "127.0.0.1:0", `127.0.0.1:${port}`, server.address];
    const { code, stdout, stderr } = await runProgram(["init", ...args]);
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout, `${file} is written: clients at 127.0.0.1:${port}, 1 destination`);
    assertStringIncludes(stdout, `start it   ${CALLED} --config ${file}\n`);
    const checked = await runProgram(["--config", file, "--check-config"]);
    assertEquals([checked.code, checked.stderr], [0, ""]);
    {
      await using program = await Program.spawn(["--config", file]);
      assertEquals(await request(port, ""), "served");
      assertEquals(await program.terminate(), 0);
    }
    const before = await Deno.readTextFile(file);
    const again = await runProgram(["init", ...args]);
    assertEquals([again.code, again.stdout], [2, ""]);
    assertMatch(again.stderr, /^iawlb: --file ".*new\.toml": is there already, .* - to print/);
    assertEquals(await Deno.readTextFile(file), before);
    const printed = await runProgram(["init", ...args.with(1, "-")]);
    const body = (text: string) => text.slice(text.indexOf("\n# Where "));
    assertEquals(body(printed.stdout), body(before));
    assertStringIncludes(printed.stdout, "#   iawlb --config FILE ");
  });
});

Deno.test("iawlb init says in a line what it lacks, or cannot do", async () => {
  await withFolder(async (folder) => {
    const file = `${folder}/new.toml`;
    for (
      const [args, code, message] of [
        [["--file", file], 2, /^iawlb: LISTEN is missing, and there is no terminal/],
        [["--file", file, "8080"], 2, /^iawlb: DESTINATION/i],
        [["--file", file, "8080", "900x1"], 2, /^iawlb: DESTINATION "900x1": /],
        [["--file", file, "--wrokers", "1"], 2, /^iawlb: "--wrokers": no such option; .*--workers/],
        [
          ["--file", `${folder}/none/x`, "8080", "9001"],
          1,
          /^iawlb: Cannot write .* no such folder/,
        ],
      ] as const
    ) {
      const result = await runProgram(["init", ...args]);
      assertEquals([result.code, result.stdout], [code, ""], args.join(" "));
      assertMatch(result.stderr, message, args.join(" "));
      assertEquals(result.stderr.trimEnd().split("\n").length, 1, result.stderr);
    }
    assertEquals([...Deno.readDirSync(folder)], []);
  });
});

Deno.test({
  name: "iawlb init asks three questions, each again until the answer is fine",
  ignore: noTerminal !== undefined,
  fn: () =>
    withFolder(async (folder) => {
      const file = `${folder}/new.toml`;
      const line = [...PROGRAM, "init", "--file", file].join(" ");
      await using terminal = new Terminal(`${line}; echo status=$?`);
      await terminal.shows("Where do clients connect?");
      await terminal.type("80800\n");
      await terminal.shows('"80800"');
      await terminal.type("9090\n");
      await terminal.shows("Where are your servers?");
      await terminal.type("9090\n");
      await terminal.shows("DESTINATION");
      await terminal.type("9001, 9091,workers=2, 'exec:/bin/cat -u'\n");
      await terminal.shows("How many clients does each server take at a time?");
      await terminal.type("none\n");
      await terminal.shows("--workers");
      await terminal.type("auto\n");
      await terminal.shows("status=0");
      await terminal.ended();
      const text = await Deno.readTextFile(file);
      for (
        const line of [
          'listen = "9090"',
          '  "9001",',
          '  "9091,workers=2",',
          '  "exec:/bin/cat -u",',
          'workers = "auto"',
          // Neither where the clients are nor a server.
          'admin = "127.0.0.1:9092"',
        ]
      ) assert(text.split("\n").includes(line), `${line} is not in\n${text}`);
      assertEquals((await runProgram(["--config", file, "--check-config"])).code, 0);
    }),
});

Deno.test({
  name: "without further answers iawlb init writes nothing",
  ignore: noTerminal !== undefined,
  fn: () =>
    withFolder(async (folder) => {
      const line = [...PROGRAM, "init", "--file", `${folder}/new.toml`].join(" ");
      await using terminal = new Terminal(`${line}; echo status=$?`);
      await terminal.shows("[8080]");
      await terminal.type("\n");
      await terminal.shows("Where are your servers?");
      await terminal.type("\x04");
      await terminal.shows("nothing is written: there are no more answers");
      await terminal.shows("status=1");
      await terminal.ended();
      assertEquals([...Deno.readDirSync(folder)], []);
    }),
});

Deno.test({
  ...unless("a disk that is full gets no part of a file, which would be in the way", {
    "root mounts the disk": Deno.build.os !== "linux" || Deno.uid() !== 0,
  }),
  async fn() {
    const folder = await Deno.makeTempDir();
    const mount = new Deno.Command("mount", {
      args: ["-t", "tmpfs", "-o", "size=4k", "tmpfs", folder],
    });
    assertEquals((await mount.output()).code, 0);
    try {
      const file = `${folder}/iawlb.toml`;
      await Deno.writeFile(`${folder}/full`, new Uint8Array(4096));
      const args = ["init", "--file", file, "8080", "9001"];
      const full = await runProgram(args);
      assertEquals(full.code, 1);
      assertMatch(full.stderr, /^iawlb: Cannot write .*: No space left on device/);
      await Deno.remove(`${folder}/full`);
      const again = await runProgram(args);
      assertEquals([again.code, again.stderr], [0, ""]);
    } finally {
      await new Deno.Command("umount", { args: [folder] }).output();
      await Deno.remove(folder);
    }
  },
});
