import { assert, assertEquals, assertRejects } from "@std/assert";
import { FatalError } from "../../../src/base/errors.ts";
import { PidFile } from "../../../src/program/daemon/pid_file.ts";

const ignore = Deno.build.os === "windows";
const uid = Deno.uid() ?? undefined;

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function refusal(path: string, own = uid): Promise<string> {
  const { message } = await assertRejects(() => PidFile.take(path, { uid: own }), FatalError);
  const start = `--pid-file ${JSON.stringify(path)}: `;
  assert(message.startsWith(start), message);
  return message.slice(start.length);
}

/** Another process that has the file locked, with its number in it, until its input ends. */
async function holder(path: string): Promise<Deno.ChildProcess> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `const f = await Deno.open(${JSON.stringify(path)}, { create: true, write: true });
       await f.lock(true);
       await f.write(new TextEncoder().encode(Deno.pid + "\\n"));
       console.log("locked");
       await Deno.stdin.read(new Uint8Array(1));`,
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  reader.releaseLock();
  return child;
}

Deno.test(
  "a pid file has the number of the process, and goes when it is released",
  { ignore },
  async () => {
    await withFolder(async (folder) => {
      const path = `${folder}/a.pid`;
      const file = await PidFile.take(path, { uid });
      assertEquals(await Deno.readTextFile(path), `${Deno.pid}\n`);
      assertEquals(file.stale, undefined);
      assertEquals(file.release(), undefined);
      assertEquals(file.release(), undefined);
      assertEquals([...Deno.readDirSync(folder)], []);
    });
  },
);

Deno.test("a pid file that a dead process has left is taken over, whoever has its number by now", {
  ignore,
}, async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.pid`;
    // Of a machine that ended before it was written.
    for (const nothing of ["", "\n", "\0\0\0\0"]) {
      await Deno.writeTextFile(path, nothing);
      const file = await PidFile.take(path, { uid });
      assertEquals([file.stale, file.release()], [undefined, undefined]);
    }
    // The parent runs, and never had this file.
    await Deno.writeTextFile(path, `${Deno.ppid}\n`);
    const file = await PidFile.take(path, { uid });
    assertEquals(file.stale, Deno.ppid);
    assertEquals(await Deno.readTextFile(path), `${Deno.pid}\n`);
    file.release();
  });
});

Deno.test("a pid file of a process that runs is refused by its number, and left alone", {
  ignore,
}, async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.pid`;
    const other = await holder(path);
    assertEquals(
      await refusal(path),
      `is locked by the process ${other.pid}, which runs; stop it, or name another file`,
    );
    assertEquals(await Deno.readTextFile(path), `${other.pid}\n`);
    await other.stdin.close();
    await other.stdout.cancel();
    await other.status;
    const file = await PidFile.take(path, { uid });
    assertEquals(file.stale, other.pid);
    file.release();
  });
});

Deno.test("a pid file that leads elsewhere, or is no file, is refused", { ignore }, async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/other`, "precious");
    await Deno.symlink(`${folder}/other`, `${folder}/a`);
    assertEquals(await refusal(`${folder}/a`), "is a symbolic link, which is not followed");
    await Deno.symlink(`${folder}/nothing`, `${folder}/b`);
    assertEquals(await refusal(`${folder}/b`), "is a symbolic link, which is not followed");
    await Deno.link(`${folder}/other`, `${folder}/c`);
    assertEquals(
      await refusal(`${folder}/c`),
      "has another name as well (a hard link), and is left alone",
    );
    await Deno.mkdir(`${folder}/d`);
    assertEquals(await refusal(`${folder}/d`), "is no regular file, and is left alone");
    assertEquals(await refusal(`${folder}/e/f`), "there is no such folder");
    assertEquals(await Deno.readTextFile(`${folder}/other`), "precious");
  });
});

Deno.test("a file with anything else in it is left alone", { ignore }, async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.toml`;
    for (const text of ['listen = "80"\n', "7\nand more\n", `7${" ".repeat(100)}8`]) {
      await Deno.writeTextFile(path, text);
      assertEquals(
        await refusal(path),
        "holds something else than the number of a process, and is left alone",
      );
      assertEquals(await Deno.readTextFile(path), text);
    }
  });
});

Deno.test("somebody else's pid file is refused", { ignore }, async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.pid`;
    await Deno.writeTextFile(path, "1\n");
    assertEquals(
      await refusal(path, uid! + 1),
      `belongs to user ${uid}, and is left alone; this is user ${uid! + 1}`,
    );
    assertEquals(await Deno.readTextFile(path), "1\n");
  });
});

Deno.test(
  "a pid file that a successor has put in its place is not removed",
  { ignore },
  async () => {
    await withFolder(async (folder) => {
      const path = `${folder}/a.pid`;
      const file = await PidFile.take(path, { uid });
      assertEquals(file.isMovedAway, false);
      await Deno.rename(path, `${path}.old`);
      assertEquals(file.isMovedAway, true);
      await Deno.writeTextFile(path, "7\n");
      assertEquals(file.isMovedAway, true);
      assertEquals(file.release(), undefined);
      assertEquals(await Deno.readTextFile(path), "7\n");
    });
  },
);
