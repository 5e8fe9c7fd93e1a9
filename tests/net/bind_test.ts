import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { deadline } from "@std/async/deadline";
import { getLogger, type Logger } from "@logtape/logtape";
import { type Address, parseAddress, type TcpEnd } from "../../src/net/address.ts";
import { bind, type Bound } from "../../src/net/bind.ts";
import { bindShared } from "../../src/net/bind_alone.ts";
import { FatalError } from "../../src/base/errors.ts";
import type { Takeable } from "../../src/net/sharing.ts";

const log = getLogger("iawlb");

function bound(address: string | Address, to: Logger = log): Promise<Bound> {
  const parsed = typeof address === "string" ? parseAddress(address, { minPort: 0 }) : address;
  return bind(parsed, { tcpBacklog: 16, log: to });
}

/** Closes as a listener does. */
function close({ sockets, release }: Bound): void {
  release();
  for (const socket of sockets) socket.close();
}

/** Runs with a folder of its own, of a path with so many bytes if that matters. */
async function withFolder(
  use: (folder: string) => Promise<void>,
  { length }: { length?: number } = {},
): Promise<void> {
  const top = await Deno.makeTempDir();
  try {
    const folder = length === undefined ? top : `${top}/${"f".repeat(length - top.length - 1)}`;
    await Deno.mkdir(folder, { recursive: true });
    await use(folder);
  } finally {
    await Deno.remove(top, { recursive: true });
  }
}

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

/** Leaves a socket file of which nobody answers. */
async function leaveDead(path: string): Promise<void> {
  await new Deno.Command(Deno.execPath(), {
    args: ["eval", `Deno.listen({ transport: "unix", path: "${path}" }); Deno.kill(Deno.pid, 9);`],
  }).output();
  assert(Deno.lstatSync(path).isSocket);
}

/** Whether the one who answers at a path is that one. */
async function answers(
  path: string,
  { sockets: [socket] }: Bound,
): Promise<boolean> {
  using _client = await Deno.connect({ transport: "unix", path });
  (await deadline(socket!.accept(), 5000)).close();
  return true;
}

Deno.test("a path is the only name that binding leaves, and none is left after closing", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.sock`;
    const listener = await bound(`unix:${path}`);
    assertEquals(listener.address, `unix:${path}`);
    assertEquals(namesIn(folder), ["a.sock"]);
    assert(await answers(path, listener));
    close(listener);
    assertEquals(namesIn(folder), []);
  });
});

Deno.test("a path that somebody has taken over meanwhile stays theirs", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.sock`;
    const before = await bound(`unix:${path}`);
    const after = await bound(`unix:${folder}/b.sock`);
    Deno.renameSync(`${folder}/b.sock`, path);
    close(before);
    assert(await answers(path, after));
    close(after);
    assertEquals(namesIn(folder), ["a.sock"], "this one was bound elsewhere");
  });
});

Deno.test("what is no socket any more is left alone on closing", async () => {
  await withFolder(async (folder) => {
    const listener = await bound(`unix:${folder}/a.sock`);
    Deno.removeSync(`${folder}/a.sock`);
    Deno.writeTextFileSync(`${folder}/a.sock`, "precious");
    close(listener);
    assertEquals(Deno.readTextFileSync(`${folder}/a.sock`), "precious");
  });
});

Deno.test("a path that cannot be removed is a line in the log, and closing goes on", async () => {
  await withFolder(async (folder) => {
    const told: string[] = [];
    const warning = (_: string, { problem }: { problem: string }) => told.push(problem);
    const listener = await bound(`unix:${folder}/sub.sock`, { warning } as unknown as Logger);
    // Root may write everywhere: that it cannot has to be pretended.
    const { renameSync } = Deno;
    Deno.renameSync = () => {
      throw new Deno.errors.PermissionDenied("Permission denied (os error 13)");
    };
    try {
      close(listener);
    } finally {
      Deno.renameSync = renameSync;
    }
    assertEquals(told, ["permission denied"]);
    await assertRejects(
      () => Deno.connect({ transport: "unix", path: `${folder}/sub.sock` }),
      Deno.errors.ConnectionRefused,
    );
  });
});

Deno.test("a folder that is gone, or has become a file, does not keep anybody from closing", async () => {
  await withFolder(async (folder) => {
    const warned: unknown[] = [];
    const logger = { warning: (...told: unknown[]) => warned.push(told) } as unknown as Logger;
    await Deno.mkdir(`${folder}/sub`);
    const first = await bound(`unix:${folder}/sub/a.sock`, logger);
    await Deno.remove(`${folder}/sub`, { recursive: true });
    close(first);
    await Deno.mkdir(`${folder}/sub`);
    const second = await bound(`unix:${folder}/sub/a.sock`, logger);
    await Deno.remove(`${folder}/sub`, { recursive: true });
    await Deno.writeTextFile(`${folder}/sub`, "");
    close(second);
    assertEquals(warned, []);
  });
});

Deno.test("a dead socket is replaced, what somebody answers on is not", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.sock`;
    await leaveDead(path);
    const listener = await bound(`unix:${path}`);
    await assertRejects(() => bound(`unix:${path}`), FatalError, "in use");
    assertEquals(namesIn(folder), ["a.sock"]);
    assert(await answers(path, listener));
    close(listener);
  });
});

Deno.test("what is no socket is refused and stays: a file, a folder, a link, a dead link", async () => {
  await withFolder(async (folder) => {
    Deno.writeTextFileSync(`${folder}/file`, "precious");
    Deno.mkdirSync(`${folder}/folder`);
    Deno.symlinkSync("file", `${folder}/link`);
    Deno.symlinkSync("nowhere", `${folder}/dangling`);
    const before = namesIn(folder);
    for (const name of [...before, "folder/.."]) {
      await assertRejects(() => bound(`unix:${folder}/${name}`), FatalError, "not a socket");
    }
    await assertRejects(() => bound(`unix:${folder}/none/a.sock`), FatalError, "No such file");
    await assertRejects(() => bound(`unix:${folder}/file/a.sock`), FatalError, "Not a directory");
    assertEquals(namesIn(folder), before);
    assertEquals(Deno.readTextFileSync(`${folder}/file`), "precious");
  });
});

for (const [name, length] of [["x", 105], ["xy", 104], ["x".repeat(12), 94]] as const) {
  Deno.test(`a path of 107 bytes works whose file name has ${name.length}`, async () => {
    await withFolder(async (folder) => {
      const path = `${folder}/${name}`;
      assertEquals(path.length, 107);
      await leaveDead(path);
      for (let round = 0; round < 3; round++) {
        const listener = await bound(`unix:${path}`);
        assertEquals(namesIn(folder), [name]);
        assert(await answers(path, listener));
        close(listener);
        assertEquals(namesIn(folder), []);
      }
    }, { length });
  });
}

Deno.test("a full folder of one-letter names is told, and none of them is touched", async () => {
  await withFolder(async (folder) => {
    const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789".split("");
    for (const letter of letters.slice(1)) Deno.writeTextFileSync(`${folder}/${letter}`, letter);
    await assertRejects(() => bound(`unix:${folder}/a`), FatalError, "no room");
    for (const letter of letters.slice(1)) {
      assertEquals(Deno.readTextFileSync(`${folder}/${letter}`), letter);
    }
  }, { length: 105 });
});

Deno.test("of many who replace one dead socket at the same time exactly one succeeds", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.sock`;
    for (let round = 0; round < 20; round++) {
      if (round % 2 === 0) await leaveDead(path);
      const all = await Promise.allSettled(Array.from({ length: 8 }, () => bound(`unix:${path}`)));
      const winners = all.filter((one) => one.status === "fulfilled").map(({ value }) => value);
      assertEquals(winners.length, 1);
      for (const one of all) {
        if (one.status === "rejected") assertStringIncludes(one.reason.message, "in use");
      }
      assert(await answers(path, winners[0]!));
      close(winners[0]!);
      assertEquals(namesIn(folder), []);
    }
  });
});

Deno.test("a name is all of its addresses, with one port", async () => {
  const listener = await bound("localhost:0");
  try {
    const addrs = listener.sockets.map(({ address }) => address as TcpEnd);
    assertEquals(addrs.map(({ hostname }) => hostname), ["127.0.0.1", "::1"]);
    const [{ port } = { port: 0 }] = addrs;
    assertEquals(listener.address, `127.0.0.1:${port}, [::1]:${port}`);
  } finally {
    close(listener);
  }
});

Deno.test("if one address of a name cannot be bound it is named, and none stays bound", async () => {
  using taken = Deno.listen({ hostname: "::1", port: 0 });
  const { port } = taken.addr;
  const message = `Cannot listen on localhost:${port} ([::1]:${port}): the address is in use`;
  await assertRejects(() => bound(`localhost:${port}`), FatalError, message);
  Deno.listen({ hostname: "127.0.0.1", port }).close();
});

Deno.test("a name without an address is told in one line", async () => {
  const error = await assertRejects(() => bound("nobody.invalid:0"), FatalError, "no address");
  assertEquals(error.message.split("\n").length, 1);
});

Deno.test({
  name: "what somebody puts into the place of a socket is neither opened to others nor given away",
  ignore: Deno.build.os === "windows",
  async fn() {
    await withFolder(async (folder) => {
      const secret = `${folder}/secret`;
      await Deno.writeTextFile(secret, "", { mode: 0o600 });
      const before = Deno.statSync(secret);
      const { listen } = Deno;
      const own = { uid: Deno.uid()! || 12345, gid: Deno.gid()! || 54321 };
      try {
        // Whoever can write to the folder is there as soon as the socket is.
        Object.assign(Deno, {
          listen(options: Deno.UnixListenOptions & { transport: "unix" }) {
            const listener = listen(options);
            Deno.removeSync(options.path);
            Deno.symlinkSync(secret, options.path);
            return listener;
          },
        });
        const owner = { user: { name: "u", uid: own.uid }, group: { name: "g", gid: own.gid } };
        const address = { transport: "unix", path: `${folder}/a.sock` } as const;
        const bound = await bind(address, { tcpBacklog: 16, log, mode: 0o666, owner }).catch(
          () => {},
        );
        if (bound) close(bound);
      } finally {
        Object.assign(Deno, { listen });
      }
      const { mode, uid, gid } = Deno.statSync(secret);
      assertEquals({ mode, uid, gid }, { mode: before.mode, uid: before.uid, gid: before.gid });
    });
  },
});

Deno.test("a path that another process serves is taken when it is time, and left alone before", {
  ignore: Deno.build.os === "windows",
}, async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a`;
    const before = await bound(`unix:${path}`);
    let late: Takeable | undefined;
    const sharing = {
      beside: true,
      isHeld: () => true,
      atHandOver: (taking: Takeable) => void (late = taking),
    };
    const open = () => {
      return bind({ transport: "unix", path }, { tcpBacklog: 16, mode: 0o600, sharing, log });
    };
    const given = await open();
    assertEquals(namesIn(folder).length, 2, "its own socket has another name");
    assert(await answers(path, before));
    close(given);
    assertEquals(namesIn(folder), ["a"], "it leaves nothing behind");
    const after = await open();
    late!.check();
    late!.take();
    assertEquals(namesIn(folder), ["a"]);
    assertEquals(Deno.lstatSync(path).mode! & 0o777, 0o600);
    assert(await answers(path, after));
    close(before);
    assert(await answers(path, after), "the one before does not remove what is not its own");
    close(after);
    assertEquals(namesIn(folder), []);
    const tooLate = await open();
    await Deno.writeTextFile(path, "");
    for (const act of ["check", "take"] as const) {
      assertThrows(() => late![act](), Deno.errors.AddrInUse, "that is not a socket");
    }
    close(tooLate);
    await assertRejects(open, FatalError, `there is something at ${path} that is not a socket`);
    assertEquals(namesIn(folder), ["a"]);
  });
});

Deno.test("a port is shared with the process that has it, and with nobody else", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  const holder = await bindShared(parseAddress("127.0.0.1:0", { minPort: 0 }), {
    tcpBacklog: 16,
    sharing: { beside: false, isHeld: () => false, atHandOver() {} },
    log,
  });
  const address = parseAddress(holder.address, { minPort: 1 });
  for (const isHeld of [true, false]) {
    const sharing = { beside: true, isHeld: () => isHeld, atHandOver() {} };
    const binding = bindShared(address, { tcpBacklog: 16, sharing, log });
    if (isHeld) close(await binding);
    else await assertRejects(() => binding, FatalError, "the address is in use");
  }
  await assertRejects(() => bound(address), FatalError, "the address is in use");
  close(holder);
});
