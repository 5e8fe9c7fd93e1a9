import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { CompileError } from "../../scripts/compile.ts";
import { makePackages } from "../../scripts/package.ts";
import { architecture, neededLibc } from "../../scripts/packaging/deb.ts";
import { run } from "../../scripts/packaging/run.ts";
import { helpText } from "../../src/cli/help.ts";
import project from "../../deno.json" with { type: "json" };
import { readAll, TestServer, until, writeAll } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

const UNIT = "usr/lib/systemd/system/iawlb.service";

const dist = await Deno.makeTempDir();
addEventListener("unload", () => Deno.removeSync(dist, { recursive: true }));
const deb = `${dist}/iawlb_${project.version}_${architecture()}.deb`;
let tarball = "";
const obstacle = await build();
const skipped = obstacle && ` (skipped: ${obstacle})`;
/** The file is a part of the package only where the program can read it. */
const noFile = skipped || (helpText().includes("--config") ? "" : " (skipped: no --config)");
const installs = Deno.env.get("IAWLB_TEST_INSTALL") === "1" && Deno.uid() === 0;

Deno.test({
  name: `the package has the program and all that belongs to it${skipped}`,
  ignore: skipped !== "",
  fn: async () => {
    await using tree = await Extracted.from(deb);
    for (
      const path of [
        UNIT,
        UNIT.replace(".service", ".socket"),
        "etc/logrotate.d/iawlb",
        "usr/share/bash-completion/completions/iawlb",
        "usr/share/zsh/vendor-completions/_iawlb",
        "usr/share/fish/vendor_completions.d/iawlb.fish",
        "usr/share/man/man1/iawlb.1.gz",
        "usr/share/man/man5/iawlb.toml.5.gz",
        "usr/share/man/man8/iawlb-upgrade.8.gz",
        "usr/sbin/iawlb-upgrade",
        "usr/lib/iawlb/iawlb-reload",
        "usr/share/iawlb/iawlb.sysctl.conf",
        "usr/share/iawlb/prometheus/iawlb.rules.yml",
        "usr/share/iawlb/grafana/iawlb.json",
        "usr/share/doc/iawlb/packaging/prometheus/iawlb.rules.yml",
        "usr/share/doc/iawlb/copyright",
        "usr/share/doc/iawlb/changelog.gz",
        "usr/share/doc/iawlb/README.md",
        "usr/share/doc/iawlb/docs/operating.md",
        "usr/share/doc/iawlb/docs/images/queue.svg",
        "usr/share/doc/iawlb/examples/http.toml",
        "usr/share/doc/iawlb/ha/keepalived.conf",
        "usr/share/doc/iawlb/ha/second-chance",
      ]
    ) {
      assert((await Deno.stat(`${tree.path}/${path}`)).size > 0, path);
    }
    const version = await run(tree.binary, { args: ["--version"] });
    assertEquals(version, `iawlb ${project.version}\n`);
    const page = await run("gzip", { args: ["-dc", `${tree.path}/usr/share/man/man1/iawlb.1.gz`] });
    assertStringIncludes(page, "\\fB\\-\\-queue\\-timeout\\fR \\fITIME\\fR");
    for (const program of ["usr/sbin/iawlb-upgrade", "usr/lib/iawlb/iawlb-reload"]) {
      assertEquals((await Deno.stat(`${tree.path}/${program}`)).mode! & 0o777, 0o755, program);
    }
    await run("sh", { args: ["-c", "md5sum --check --quiet DEBIAN/md5sums"], cwd: tree.path });
  },
});

Deno.test({
  name: `the package depends on a C library that is as new as the binary wants${skipped}`,
  ignore: skipped !== "",
  fn: async () => {
    await using tree = await Extracted.from(deb);
    const [, version] = /libc6 \(>= ([\d.]+)\)/.exec(
      await run("dpkg-deb", { args: ["--field", deb, "Depends"] }),
    ) ?? [];
    assertEquals(version, await neededLibc(tree.binary));
    if (!await exists("objdump")) return;
    const symbols = await run("objdump", { args: ["-T", tree.binary] });
    const minors = [...symbols.matchAll(/GLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor));
    assertEquals(version, `2.${Math.max(...minors)}`);
  },
});

Deno.test({
  name: `the packages are the same bytes each time, whatever the clock says${skipped}`,
  ignore: skipped !== "",
  fn: async () => {
    await using tree = await Extracted.from(deb);
    // Archives have times in whole seconds.
    const made = Date.now();
    await until(() => Date.now() > made + 1000, "the next second has come");
    const paths = await makePackages({ output: `${dist}/again`, binary: tree.binary, level: 1 });
    const before = await Promise.all([sha256(deb), sha256(tarball)]);
    assertEquals(await Promise.all(paths.map(sha256)), before);
  },
});

Deno.test({
  name: `the tar.gz has the same files, below one directory without /lib${skipped}`,
  ignore: skipped !== "",
  fn: async () => {
    await using tree = await Extracted.from(deb);
    const listed = (await run("tar", { args: ["-tzf", tarball] })).split("\n");
    const files = listed.filter((path) => path !== "" && !path.endsWith("/"));
    const inside = files.map((path) => path.replace(/^[^/]*\//, ""));
    const installed = (await run("find", { args: [".", "-type", "f"], cwd: tree.path }))
      .split("\n").map((path) => path.slice(2))
      .filter((path) => path !== "" && !/^DEBIAN\/|lintian/.test(path));
    assertEquals(inside.toSorted(), installed.toSorted());
    assert(inside.every((path) => /^(etc|usr)\//.test(path)));
    assertEquals(new Set(files.map((path) => path.split("/")[0])).size, 1);
  },
});

Deno.test({
  ...unless("lintian finds no error and no warning in the package", {
    [obstacle]: obstacle !== "",
    "there is no lintian": !await exists("lintian"),
  }),
  fn: async () => {
    assertEquals(await run("lintian", { args: ["--allow-root", deb] }), "");
  },
});

Deno.test({
  name: `the packaged binary serves with the packaged example of its configuration${noFile}`,
  ignore: noFile !== "",
  fn: async () => {
    await using tree = await Extracted.from(deb);
    await using server = new TestServer(greet);
    const example = `${tree.path}/etc/iawlb/iawlb.toml`;
    await run(tree.binary, { args: ["--config", example, "--check-config"] });
    const edited = `${tree.path}/edited.toml`;
    await Deno.writeTextFile(edited, edit(await Deno.readTextFile(example), server.address));
    await serveOnce(tree.binary, ["--config", edited]);
  },
});

Deno.test({
  name: `the package installs, serves, drains, and leaves nothing when it is purged${
    installs ? noFile : " (skipped: IAWLB_TEST_INSTALL=1 and root do it)"
  }`,
  ignore: !installs || noFile !== "",
  fn: async () => {
    assert(!await exists("iawlb"), "iawlb is installed on this machine already");
    await using server = new TestServer(greet);
    try {
      await apt("install", "--no-install-recommends", deb);
      const paths = (await run("dpkg", { args: ["-L", "iawlb"] })).trim().split("\n");
      assert(paths.includes(`/${UNIT}`));
      // What the operator has not set up yet is not started, not even by the next boot.
      assertEquals(await enabled(), []);
      const config = "/etc/iawlb/iawlb.toml";
      await Deno.writeTextFile(config, edit(await Deno.readTextFile(config), server.address));
      await serveOnce("/usr/bin/iawlb", ["--config", config]);
      await run("systemctl", { args: ["enable", "--quiet", "iawlb.service"] });
      assertEquals((await enabled()).length, 1);
      const edited = await Deno.readTextFile(config);
      await run("dpkg", { args: ["--install", deb] });
      assertEquals(await Deno.readTextFile(config), edited);
      assertEquals((await enabled()).length, 1);
      await apt("purge", "iawlb");
      const left = await Promise.all(paths.map(async (path) => await isOwn(path) ? [path] : []));
      assertEquals(left.flat(), []);
      assertEquals(await enabled(), []);
    } finally {
      if (await exists("iawlb")) await apt("purge", "iawlb");
    }
  },
});

/** Builds the packages once for all tests. Returns what is in the way, or nothing. */
async function build(): Promise<string> {
  if (Deno.build.os !== "linux" || !await exists("dpkg-deb")) return "there is no dpkg-deb";
  try {
    [, tarball = ""] = await makePackages({
      output: dist,
      binary: Deno.env.get("IAWLB_BINARY"),
      level: 1,
    });
    return "";
  } catch (error) {
    if (error instanceof CompileError) return "there is no binary, and none can be compiled";
    throw error;
  }
}

/** Listens where the kernel likes, serves with one server, and has no folder in /run. */
function edit(toml: string, destination: string): string {
  const edited = toml.replace(/^listen = .*$/m, 'listen = "127.0.0.1:0"')
    .replace(/^destinations = \[[^\]]*\]/m, `destinations = ["${destination}"]`)
    .replace(/^admin = "unix:\/run\/iawlb\/admin\.sock"$/m, 'admin = "off"');
  assertStringIncludes(edited, 'admin = "off"');
  assertStringIncludes(edited, `"${destination}"`);
  return edited;
}

/** Answers as soon as it is asked: who finishes sending before is gone, says the example. */
async function greet(conn: Deno.Conn): Promise<void> {
  await conn.read(new Uint8Array(100));
  await writeAll(conn, new TextEncoder().encode("hello"));
}

/** Starts the program, has it serve one request, and drains it. */
async function serveOnce(binary: string, args: readonly string[]): Promise<void> {
  const child = new Deno.Command(binary, { args: [...args], stdout: "null", stderr: "piped" })
    .spawn();
  try {
    let log = "";
    const reading = (async () => {
      for await (const text of child.stderr.pipeThrough(new TextDecoderStream() as never)) {
        log += text;
      }
    })();
    const port = () => Number(/listening on \S*?:(\d+) /.exec(log)?.[1]);
    await until(() => port() > 0, "it listens");
    {
      using conn = await Deno.connect({ hostname: "127.0.0.1", port: port() });
      await writeAll(conn, new TextEncoder().encode("hi"));
      assertEquals(new TextDecoder().decode(await readAll(conn)), "hello");
    }
    child.kill("SIGTERM");
    assertEquals((await child.status).code, 0);
    await reading;
    assertMatch(log, /drained/);
  } finally {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await child.status;
    await child.stderr.cancel().catch(() => {});
  }
}

async function apt(...args: string[]): Promise<void> {
  await run("apt-get", {
    args: ["-qq", "-o", "DPkg::Lock::Timeout=120", "--yes", ...args],
    env: { DEBIAN_FRONTEND: "noninteractive" },
  });
}

/** Where the unit is enabled. */
async function enabled(): Promise<string[]> {
  const found = await run("find", { args: ["/etc/systemd", "-name", "iawlb.service*"] });
  return found.split("\n").filter((path) => path !== "");
}

/** Whether a path is still there and was only there because of the package. */
async function isOwn(path: string): Promise<boolean> {
  if (!path.includes("iawlb")) return false;
  return await Deno.lstat(path).then(() => true, () => false);
}

async function exists(command: string): Promise<boolean> {
  const { success } = await new Deno.Command("sh", {
    args: ["-c", `command -v ${command}`],
    stdout: "null",
  }).output();
  return success;
}

async function sha256(path: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
  return new Uint8Array(digest).toHex();
}

/** The contents of a package in a temporary directory, its control files in `DEBIAN`. */
class Extracted implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async from(deb: string): Promise<Extracted> {
    const path = await Deno.makeTempDir();
    await run("dpkg-deb", { args: ["--raw-extract", deb, path] });
    return new Extracted(path);
  }

  get binary(): string {
    return `${this.path}/usr/bin/iawlb`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}
