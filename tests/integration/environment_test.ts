import { assertEquals, assertMatch } from "@std/assert";
import { Program, runProgram } from "../support/program.ts";
import { echo, freePort, TestServer } from "../support/servers.ts";

const ignore = Deno.build.os !== "linux";
const binary = Deno.env.get("IAWLB_BINARY") !== undefined;

/** The addresses on which a process listens, by TCP and by Unix-domain sockets. */
function listeningOf(pid: number): string[] {
  const inodes = new Set<string>();
  for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
    try {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(Deno.readLinkSync(`/proc/${pid}/fd/${name}`)) ??
        [];
      if (inode !== undefined) inodes.add(inode);
    } catch {
      // It was closed meanwhile.
    }
  }
  const found: string[] = [];
  for (const table of ["tcp", "tcp6", "udp", "udp6", "unix"]) {
    for (const line of Deno.readTextFileSync(`/proc/${pid}/net/${table}`).split("\n").slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (table === "unix") {
        // The flag says that it listens.
        if (inodes.has(fields[6]!) && fields[3] === "00010000") found.push(`unix:${fields[7]}`);
      } else if (inodes.has(fields[9]!) && (fields[3] === "0A" || table.startsWith("udp"))) {
        found.push(`${table}:${fields[1]}`);
      }
    }
  }
  return found.sort();
}

/** An address of IPv4 as `/proc` writes it. */
function inHex(port: number, host = "0100007F"): string {
  return `tcp:${host}:${port.toString(16).toUpperCase().padStart(4, "0")}`;
}

Deno.test("no variable of the runtime opens the program to anybody, or moves it", {
  ignore,
}, async () => {
  await using server = new TestServer(echo);
  const other = freePort();
  const folder = await Deno.makeTempDir();
  const variables = [
    `DENO_SERVE_ADDRESS=duplicate,tcp:0.0.0.0:${other}`,
    `DENO_SERVE_ADDRESS=tcp:0.0.0.0:${other}`,
    `DENO_SERVE_ADDRESS=duplicate,unix:${folder}/elsewhere.sock`,
    "DENO_AUTO_SERVE=1",
    `DENO_INSPECT=127.0.0.1:${other}`,
    "DENO_COMPAT=1",
    `PORT=${other}`,
    "HTTP_PROXY=http://127.0.0.1:1",
    // Those who run the sources run `deno run`, which obeys these before there is anything of ours.
    ...(binary
      ? [
        `NODE_OPTIONS=--inspect=127.0.0.1:${other}`,
        "DENO_V8_FLAGS=--expose-gc",
        `DENO_UNSTABLE_CONTROL_SOCK=unix:${folder}/control.sock`,
      ]
      : []),
  ];
  for (const variable of variables) {
    const listen = freePort();
    const admin = freePort();
    await using program = await Program.spawn([
      "--log-format",
      "json",
      "--admin",
      `127.0.0.1:${admin}`,
      `127.0.0.1:${listen}`,
      server.address,
    ], `export ${variable}`);
    await program.logged(/admin API on/);
    const response = await fetch(`http://127.0.0.1:${admin}/status`);
    await response.body?.cancel();
    assertEquals(response.status, 200, variable);
    assertEquals(listeningOf(program.pid), [inHex(listen), inHex(admin)].sort(), variable);
    assertEquals([...Deno.readDirSync(folder)], [], variable);
    assertEquals(await program.terminate(), 0);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("no variable of the runtime opens the servers of --demo, or moves them", {
  ignore,
}, async () => {
  const other = freePort();
  const args = ["--demo", "--log-format", "json"];
  const variable = `DENO_SERVE_ADDRESS=duplicate,tcp:0.0.0.0:${other}`;
  await using program = await Program.spawn(args, `export ${variable}`);
  await program.logged(/admin API on/);
  const foreign = listeningOf(program.pid).filter((address) => {
    // The listener of the demo is for everybody; all else is of this machine.
    return !address.startsWith("tcp:0100007F") && !address.endsWith(inHex(program.port).slice(-5));
  });
  assertEquals(foreign, []);
  assertEquals(await program.terminate(), 0);
});

Deno.test("ctl asks the program itself, whatever proxy is named", { ignore }, async () => {
  await using server = new TestServer(echo);
  await using program = await Program.start([server.address], ["--admin", "127.0.0.1:0"]);
  const { address } = JSON.parse(await program.logged(/admin API on/));
  let asked = 0;
  await using proxy = new TestServer((conn) => {
    asked++;
    conn.close();
    return Promise.resolve();
  });
  for (const name of ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]) {
    const set = `export ${name}=http://${proxy.address} NO_PROXY=`;
    const { code, stdout } = await runProgram(["ctl", address, "status"], set);
    assertEquals(code, 0, name);
    assertMatch(stdout, /running/, name);
  }
  assertEquals(asked, 0);
  assertEquals(await program.terminate(), 0);
});
