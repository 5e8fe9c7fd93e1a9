import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Program, runProgram } from "../support/program.ts";

/** Runs with a folder of its own. */
async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

/** Starts the program on a socket file, with its admin API on another one. */
async function start(folder: string, name = "a"): Promise<Program> {
  const admin = `unix:${folder}/${name}.admin`;
  const program = Program.launch(["--admin", admin, `unix:${folder}/${name}`, "9"]);
  await program.logged(/admin API on/);
  return program;
}

async function isAnswered(path: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return true;
  } catch {
    return false;
  }
}

Deno.test("of several programs that start at the same time on a dead socket one serves", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a`;
    {
      await using program = await start(folder);
      program.signal("SIGKILL");
    }
    assertEquals(namesIn(folder), ["a", "a.admin"]);
    const programs = Array.from({ length: 3 }, () => Program.launch([`unix:${path}`, "9"]));
    await Promise.all(programs.map((program) => program.logged(/listening on|in use/)));
    const serving = programs.filter(({ log }) => log[0]!.includes("listening on"));
    assertEquals(serving.length, 1, programs.map(({ log }) => log[0]).join("\n"));
    assert(await isAnswered(path));
    assertEquals(await serving[0]!.terminate(), 0);
    for (const one of programs) if (one !== serving[0]) assertEquals(await one.ended(), 1);
    assertEquals(namesIn(folder), ["a.admin"]);
  });
});

Deno.test("paths that a successor has taken over are the successor's when a program ends", async () => {
  await withFolder(async (folder) => {
    await using before = await start(folder);
    await using after = await start(folder, "b");
    for (const end of ["", ".admin"]) await Deno.rename(`${folder}/b${end}`, `${folder}/a${end}`);
    assertEquals(await before.terminate(), 0);
    for (const end of ["", ".admin"]) assert(await isAnswered(`${folder}/a${end}`), end);
    assertEquals(await after.terminate(), 0);
  });
});

Deno.test("whoever starts while another one drains has the path or says that it is in use", async () => {
  await withFolder(async (folder) => {
    let program = await start(folder);
    for (let round = 0; round < 5; round++) {
      const next = Program.launch([`unix:${folder}/a`, "9"]);
      program.signal("SIGTERM");
      const line = await next.logged(/listening on|in use/);
      assertEquals(await program.ended(), 0);
      if (line.includes("listening on")) {
        assert(await isAnswered(`${folder}/a`));
        assertEquals(await next.terminate(), 0);
      } else assertEquals(await next.ended(), 1);
      assertEquals(namesIn(folder), []);
      program = await start(folder);
    }
    assertEquals(await program.terminate(), 0);
  });
});

Deno.test("a start that fails leaves no file behind, and touches none", async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "precious");
    const { code, stderr } = await runProgram([`unix:${folder}/file`, "9"]);
    assertEquals(code, 1);
    assertStringIncludes(stderr, "not a socket");
    const admin = await runProgram(["--admin", `unix:${folder}/file`, `unix:${folder}/a`, "9"]);
    assertEquals(admin.code, 1);
    assertEquals(namesIn(folder), ["file"]);
    assertEquals(await Deno.readTextFile(`${folder}/file`), "precious");
  });
});
