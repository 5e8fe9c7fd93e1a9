import { assertEquals, assertMatch } from "@std/assert";
import { Program, runProgram } from "../support/program.ts";
import { unless } from "../support/unless.ts";

const root = Deno.build.os !== "windows" && Deno.uid() === 0;

/** Where to listen, in a folder of its own. */
async function withPath(use: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(`${folder}/a.sock`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name: "--socket-mode says who may use a socket, whatever the umask leaves",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await withPath(async (path) => {
      const args = ["--socket-mode", "0606", "--umask", "0077", `unix:${path}`, "9"];
      await using program = await Program.spawn(args);
      assertEquals(Deno.statSync(path).mode! & 0o777, 0o606);
      assertEquals(await program.terminate(), 0);
    });
    await withPath(async (path) => {
      await using program = await Program.spawn(["--umask", "0037", `unix:${path}`, "9"]);
      assertEquals(Deno.statSync(path).mode! & 0o777, 0o740);
      assertEquals(await program.terminate(), 0);
    });
  },
});

Deno.test({
  ...unless("--socket-owner gives a socket to a user and a group", { "not root": !root }),
  fn: async () => {
    for (
      const [owner, uid, gid] of [["12345:54321", 12345, 54321], [":54321", 0, 54321]] as const
    ) {
      await withPath(async (path) => {
        await using program = await Program.spawn(["--socket-owner", owner, `unix:${path}`, "9"]);
        const info = Deno.statSync(path);
        assertEquals([info.uid, info.gid], [uid, gid]);
        assertEquals(await program.terminate(), 0);
      });
    }
  },
});

Deno.test({
  ...unless("a socket that cannot be given away is not listened on", {
    "not root": !root,
    "no setpriv": !await Deno.stat("/usr/bin/setpriv").catch(() => undefined),
  }),
  fn: async () => {
    await withPath(async (path) => {
      const args = ["--socket-owner", "12345", `unix:${path}`, "9"];
      // Root without the one right for that.
      const { code, stderr } = await runProgram(args, 'set -- setpriv --bounding-set -chown "$@"');
      assertEquals(code, 1);
      assertMatch(
        stderr,
        /^iawlb: Cannot listen on unix:.*: the socket cannot be given to 12345: permission denied; only root/m,
      );
      assertEquals([...Deno.readDirSync(path.slice(0, path.lastIndexOf("/")))], []);
    });
  },
});
