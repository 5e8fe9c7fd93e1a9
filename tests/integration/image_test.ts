// The image for containers: what is in it, and that engines run it.
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { compile, CompileError } from "../../scripts/compile.ts";
import { type MadeImage, makeImage } from "../../scripts/image.ts";
import { ImageError, readLdd } from "../../scripts/image/libraries.ts";
import { run } from "../../scripts/packaging/run.ts";
import project from "../../deno.json" with { type: "json" };
import { find } from "../support/packaged_servers.ts";
import { childrenOf } from "../support/processes.ts";
import { Podman, whyNoPodman } from "../support/podman.ts";
import { heldServer } from "../support/instance.ts";
import { mayMount } from "../support/mounts.ts";
import { answer, freePort, request, TestServer, until } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

/** Number of the user in the image. */
const USER = 65532;

const PREFIX = "org.opencontainers.image";

const SCRIPT = new URL("../../scripts/image.ts", import.meta.url).pathname;

const dist = await Deno.makeTempDir();
addEventListener("unload", () => Deno.removeSync(dist, { recursive: true }));
const GIVEN = Deno.env.get("IAWLB_BINARY");
const binary = GIVEN ?? `${dist}/iawlb`;
let image: MadeImage;
const obstacle = await build();
const NEEDING_IMAGE = { [obstacle]: obstacle !== "" };
const why = obstacle === "" ? await whyNoContainers() : "";
const NEEDING_PODMAN = { ...NEEDING_IMAGE, [why]: why !== "" };

Deno.test({
  ...unless("the image is a layout in which every digest is right", NEEDING_IMAGE),
  async fn() {
    const { layout, digest } = image;
    assertEquals(await read(`${layout}/oci-layout`), { imageLayoutVersion: "1.0.0" });
    const { manifests: [entry] } = await read(`${layout}/index.json`);
    assertEquals(entry.digest, digest);
    const manifest = JSON.parse(await blob(entry));
    const config = JSON.parse(await blob(manifest.config));
    assertEquals(entry.platform, { architecture: config.architecture, os: config.os });
    const diffs: string[] = [];
    for (const layer of manifest.layers) {
      await blob(layer);
      const tar = await run("sh", {
        args: ["-c", 'gzip -dc "$1" | sha256sum', "sh", blobPath(layer)],
      });
      diffs.push(`sha256:${tar.slice(0, 64)}`);
    }
    assertEquals(config.rootfs, { type: "layers", diff_ids: diffs });
    assertEquals(config.history.length, diffs.length);
    assertEquals(config.config.Labels, manifest.annotations);
    const { [`${PREFIX}.version`]: version, [`${PREFIX}.licenses`]: licences } = config.config
      .Labels;
    assertEquals(version, project.version);
    assertMatch(licences, /^MIT AND .*LGPL-2\.1-or-later/);
    assert(!licences.includes("LicenseRef"), licences);
  },
});

Deno.test({
  ...unless("the image is the same bytes each time, also under another umask", NEEDING_IMAGE),
  async fn() {
    const output = `${dist}/again`;
    const script = 'umask 077 && exec "$@"';
    const made = await run("sh", {
      args: [
        ...["-c", script, "sh", Deno.execPath(), "run", "-A", SCRIPT],
        ...["--output", output, "--binary", binary, "--level", "1"],
      ],
    });
    assertStringIncludes(made, `: ${image.digest}\n`);
    const [, archive] = /^(\S+\.tar): /m.exec(made)!;
    assertEquals(await sha256(archive!), await sha256(image.archive));
  },
});

Deno.test({
  ...unless("an image that cannot be written is one line, and what was there stays", {
    ...NEEDING_IMAGE,
    "mounts need root on Linux": !mayMount(),
  }),
  async fn() {
    const full = await Deno.makeTempDir();
    const script = `mount -t tmpfs -o size=1m none "$1" && output=$1 && shift &&
      mkdir "$output/$1" && shift && ! "$@" --output "$output" && ls "$output"`;
    const name = image.layout.replace(/.*\//, "");
    const { code, stdout, stderr } = await new Deno.Command("unshare", {
      args: [
        ...["--mount", "sh", "-c", script, "sh", full, name],
        ...[Deno.execPath(), "run", "-A", SCRIPT, "--binary", binary, "--level", "1"],
      ],
    }).output();
    const decoder = new TextDecoder();
    assertEquals([code, decoder.decode(stdout)], [0, `${name}\n`]);
    assertMatch(decoder.decode(stderr), /^image: No space left on device .*\n$/);
    await Deno.remove(full);
  },
});

Deno.test({
  ...unless("the layers have the program, its libraries with their licences, and no more", {
    ...NEEDING_IMAGE,
  }),
  async fn() {
    await using root = await Root.of(image);
    const has = async (path: string) => {
      assert((await Deno.lstat(`${root.path}${path}`)).isFile, path);
    };
    for (const path of readLdd(await run("ldd", { args: [`${root.path}/usr/bin/iawlb`] }))) {
      await has(path);
    }
    for (const name of ["iawlb", "libc6"]) await has(`/usr/share/doc/${name}/copyright`);
    const files = (await run("find", { args: [".", "-type", "f"], cwd: root.path })).trim();
    const strays = files.split("\n").filter((path) => {
      return !/^\.\/(?:usr\/(?:bin\/iawlb|share\/doc\/[\w.+-]+\/copyright)|etc\/|lib)/.test(path);
    });
    assertEquals(strays, []);
    const modes = await run("find", {
      args: [".", "-perm", "/6022", "-printf", "%p %m %u\n"],
      cwd: root.path,
    });
    assertEquals(modes, "./tmp 1777 root\n");
    const { uid, mode } = await Deno.stat(`${root.path}/run/iawlb`);
    assertEquals([uid, mode! & 0o777], [USER, 0o750]);
  },
});

Deno.test({
  ...unless("process 1 of a read-only root, without rights, serves, drains and ends", {
    ...NEEDING_IMAGE,
    "that needs root on Linux": Deno.build.os !== "linux" || Deno.uid() !== 0,
    "there is no setpriv, unshare and chroot": !find("setpriv") || !find("unshare") ||
      !find("chroot"),
  }),
  async fn() {
    await using root = await Root.of(image);
    const { server, release } = heldServer("served");
    await using _server = server;
    await using program = await FirstProcess.start(root, [
      ...["--log-format", "json", "127.0.0.1:0", server.address],
    ]);
    const status = await Deno.readTextFile(`/proc/${program.pid}/status`);
    assertMatch(status, /^NSpid:\t\d+\t1$/m);
    assertMatch(status, new RegExp(`^Uid:\\t${USER}\\t${USER}\\t${USER}\\t${USER}$`, "m"));
    assertMatch(status, /^CapEff:\t0+$/m);
    const served = request(await program.port(), "?");
    await until(() => server.accepted === 1, "a session is served");
    Deno.kill(program.pid, "SIGTERM");
    await program.logged(/draining: 1 sessions active/);
    release();
    assertEquals(await served, "served");
    assertEquals(await program.ended(), 0);
    await program.logged(/drained, nothing was cut/);
  },
});

Deno.test({
  ...unless("podman loads and runs it: not as root, read only, healthy until it drains", {
    ...NEEDING_PODMAN,
  }),
  async fn() {
    await using podman = await Podman.start();
    const { stdout } = await podman.run("load", "--quiet", "--input", image.archive);
    assertStringIncludes(stdout, image.reference);
    const { server, release } = heldServer("served");
    await using _server = server;
    const [port, admin] = [freePort(), freePort()];
    await using container = await podman.container(
      [
        ...["--read-only", "--read-only-tmpfs=false", "--cap-drop=all"],
        ...["--security-opt=no-new-privileges", `--env=IAWLB_ADMIN=127.0.0.1:${admin}`],
      ],
      ...[image.reference, "--admin", `${admin}`, "--check", "tcp"],
      ...[`127.0.0.1:${port}`, server.address],
    );
    await until(async () => await container.health() === 0, "it is healthy");
    const status = await Deno.readTextFile(`/proc/${await container.pid()}/status`);
    assertMatch(status, new RegExp(`^Uid:\\t${USER}\\t${USER}\\t${USER}\\t${USER}$`, "m"));
    assertMatch(status, /^CapBnd:\t0+$/m);
    const { stdout: shown } = await container.exec("iawlb", "ctl", "status");
    assertStringIncludes(shown, `iawlb ${project.version}, pid 1, running`);
    const served = request(port, "?");
    await until(() => server.accepted === 1, "a session is served");
    await container.signal("TERM");
    await until(async () => await container.health() === 1, "it drains");
    release();
    assertEquals(await served, "served");
    assertEquals(await container.ended(), 0);
    const logs = await container.logs();
    assertMatch(logs.stderr, /drained, nothing was cut/);
    assertMatch(logs.stdout, /reason=done/);
  },
});

Deno.test({
  ...unless("podman reads it as a layout, and finds the configuration where it is mounted", {
    ...NEEDING_PODMAN,
  }),
  async fn() {
    await using podman = await Podman.start();
    const id = (await podman.must("pull", "--quiet", `oci:${image.layout}`)).trim();
    const { stderr, code } = await podman.once(id);
    assertEquals(code, 2);
    assertMatch(stderr, /\/etc\/iawlb\/iawlb\.toml/);
    const daemon = await podman.once(id, "--daemon", "127.0.0.1:0", "127.0.0.1:1");
    assertEquals(daemon.code, 2);
    assertMatch(daemon.stderr, /^iawlb: --daemon: this is process 1.*\n$/);
    const port = freePort();
    await using server = new TestServer(answer("here"));
    const folder = await Deno.makeTempDir();
    await Deno.chmod(folder, 0o755);
    const name = "server.of.the.test";
    await Deno.writeTextFile(
      `${folder}/iawlb.toml`,
      `listen = "127.0.0.1:${port}"\ndestinations = ["${name}:${server.port}"]\n`,
    );
    {
      await using container = await podman.container(
        [`--volume=${folder}:/etc/iawlb:ro`, `--add-host=${name}:127.0.0.1`],
        id,
      );
      const served = () => request(port, "?").catch(() => "");
      await until(async () => await served() === "here", "it serves");
      assertEquals(await container.stop(30), 0);
    }
    await Deno.remove(folder, { recursive: true });
  },
});

/** Makes the image once for all tests. Returns what is in the way, or nothing. */
async function build(): Promise<string> {
  if (Deno.build.os !== "linux" || !find("dpkg-query")) return "that needs Debian's libraries";
  try {
    if (!GIVEN) await compile({ output: binary });
    image = await makeImage({ output: dist, binary, level: 1 });
    return "";
  } catch (error) {
    if (error instanceof CompileError) return "there is no binary, and none can be compiled";
    if (error instanceof ImageError) return error.message;
    throw error;
  }
}

/** Why podman runs no container here; empty if it does. */
async function whyNoContainers(): Promise<string> {
  const reason = whyNoPodman();
  if (reason !== "") return reason;
  await using podman = await Podman.start();
  await podman.must("load", "--quiet", "--input", image.archive);
  const { code, stderr } = await podman.once(image.reference, "--version");
  return code === 0 ? "" : `podman runs nothing here, ${stderr.trim().split("\n").at(-1)}`;
}

// deno-lint-ignore no-explicit-any -- tests pick what they look at
async function read(path: string): Promise<any> {
  return JSON.parse(await Deno.readTextFile(path));
}

function blobPath({ digest }: { digest: string }): string {
  return `${image.layout}/blobs/${digest.replace(":", "/")}`;
}

/** What a descriptor means, which must be of the size and the digest that it says. */
async function blob(descriptor: { digest: string; size: number }): Promise<string> {
  const path = blobPath(descriptor);
  assertEquals((await Deno.stat(path)).size, descriptor.size);
  assertEquals(`sha256:${await sha256(path)}`, descriptor.digest);
  return await Deno.readTextFile(path);
}

async function sha256(path: string): Promise<string> {
  return (await run("sha256sum", { args: [path] })).slice(0, 64);
}

/** The layers of an image, one over the other. */
class Root implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async of({ layout }: MadeImage): Promise<Root> {
    const path = await Deno.makeTempDir();
    await Deno.chmod(path, 0o755);
    const { manifests: [entry] } = await read(`${layout}/index.json`);
    const { layers } = JSON.parse(await blob(entry));
    for (const layer of layers) {
      await run("tar", { args: ["-xpzf", blobPath(layer), "-C", path] });
    }
    return new Root(path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/**
 * What an engine does, without one: the program as process 1 of its own, whose root is read only and
 * has nothing of this machine but `/proc`, and which has no rights and will have none.
 */
const AS_ENGINE = `mount --bind . . && cd "$PWD" && mount -o remount,ro,bind . &&
  mount -t proc proc proc && exec setpriv --no-new-privs --inh-caps=-all \\
  --bounding-set=-all,+sys_chroot,+setuid,+setgid \
  chroot --userspec=${USER}:${USER} --groups= . /usr/bin/iawlb "$@"`;

/** The program of an image, run without an engine. */
class FirstProcess implements AsyncDisposable {
  /** What it has logged so far. */
  #log = "";
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  #pid = 0;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#reading = this.#read();
  }

  static async start(root: Root, args: readonly string[]): Promise<FirstProcess> {
    await Deno.mkdir(`${root.path}/proc`);
    const child = new Deno.Command("unshare", {
      args: ["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", AS_ENGINE, "sh", ...args],
      cwd: root.path,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const program = new FirstProcess(child);
    await program.logged(/listening on /);
    program.#pid = childrenOf(child.pid)[0]!.pid;
    return program;
  }

  /** Its number on this machine. */
  get pid(): number {
    return this.#pid;
  }

  async port(): Promise<number> {
    return Number(/listening on \S*?:(\d+) /.exec(await this.logged(/listening on /))![1]);
  }

  /** The log, once it has this. */
  async logged(pattern: RegExp): Promise<string> {
    await until(() => pattern.test(this.#log), `the log has ${pattern}`).catch((error) => {
      throw new Error(`${error.message}: ${this.#log}`);
    });
    return this.#log;
  }

  /** The exit status. */
  async ended(): Promise<number> {
    const { code } = await this.#child.status;
    await this.#reading;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.ended();
  }

  async #read(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream() as never)) {
      this.#log += text;
    }
  }
}
