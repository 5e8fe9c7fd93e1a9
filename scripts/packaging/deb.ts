import { run } from "./run.ts";
import { MAINTAINER, plant, type Release } from "./tree.ts";

const SCRIPTS = new URL("../../packaging/debian/", import.meta.url).pathname;

/** Debian's names of the processors that the runtime knows. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64" };

/** Debian's name of this machine's processor. */
export function architecture(): string {
  return ARCHITECTURES[Deno.build.arch] ?? Deno.build.arch;
}

/**
 * Makes a Debian package with `dpkg-deb`, the same bytes each time.
 *
 * @param options.work An empty directory.
 * @param options.level How hard it is compressed, from 0 to 9.
 * @throws {Deno.errors.NotFound} Without dpkg-deb.
 */
export async function makeDeb(
  release: Release,
  { work, output, level }: { work: string; output: string; level: number },
): Promise<void> {
  const conffiles = await plant(work, release);
  const { overrides, ...scripts } = await readScripts();
  const at = `${work}/usr/share/lintian/overrides`;
  await Deno.mkdir(at, { recursive: true });
  await Deno.writeTextFile(`${at}/iawlb`, overrides);
  await Deno.mkdir(`${work}/DEBIAN`);
  const texts = {
    ...scripts,
    control: control(release.version, {
      size: await sizeInKiB(work),
      libc: await neededLibc(release.binary),
    }),
    conffiles: conffiles.map((path) => `${path}\n`).join(""),
    md5sums: await checksums(work, conffiles),
  };
  for (const [name, text] of Object.entries(texts)) {
    const path = `${work}/DEBIAN/${name}`;
    await Deno.writeTextFile(path, text);
    await Deno.chmod(path, name in scripts ? 0o755 : 0o644);
  }
  await run("find", {
    args: [work, "-exec", "touch", "-h", "-d", release.date.toISOString(), "{}", "+"],
  });
  // Threads would make the bytes depend on the machine.
  await run("dpkg-deb", {
    args: ["--root-owner-group", "-Zxz", `-z${level}`, "--threads-max=1", "--build", work, output],
    env: { SOURCE_DATE_EPOCH: String(release.date.getTime() / 1000) },
  });
}

async function readScripts(): Promise<
  Record<"postinst" | "prerm" | "postrm" | "overrides", string>
> {
  const read = (name: string) => Deno.readTextFile(`${SCRIPTS}/${name}`);
  return {
    postinst: await read("postinst"),
    prerm: await read("prerm"),
    postrm: await read("postrm"),
    overrides: await read("lintian-overrides"),
  };
}

function control(version: string, needs: { size: number; libc: string }): string {
  return `Package: iawlb
Version: ${version}
Architecture: ${architecture()}
Maintainer: ${MAINTAINER}
Installed-Size: ${needs.size}
Depends: libc6 (>= ${needs.libc}), libgcc-s1
Recommends: procps
Suggests: logrotate
Section: net
Priority: optional
Description: TCP load balancer with one fair queue in front of your servers
 iawlb accepts TCP connections, queues them first come first served, and
 hands each to the first server that has room. A server that fails is left out
 until it is back, and its clients notice nothing. It drains without losing
 what it accepted.
`;
}

/**
 * The newest version of the C library whose symbols a program wants, such as `2.27`.
 *
 * The versions are strings in the program's dynamic section, which is near its beginning.
 */
export async function neededLibc(binary: string): Promise<string> {
  using file = await Deno.open(binary);
  const bytes = new Uint8Array(8 * 2 ** 20);
  let length = 0;
  for (let n: number | null = 0; n !== null && length < bytes.length; length += n ?? 0) {
    n = await file.read(bytes.subarray(length));
  }
  const text = new TextDecoder("latin1").decode(bytes.subarray(0, length));
  const versions = [...text.matchAll(/\0GLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor));
  if (versions.length === 0) throw new Error(`${binary}: names no version of the C library`);
  return `2.${Math.max(...versions)}`;
}

async function* files(directory: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    const path = `${directory}/${name}`;
    if (!isDirectory) yield path;
    else if (name !== "DEBIAN") yield* files(path);
  }
}

async function sizeInKiB(directory: string): Promise<number> {
  let size = 0;
  for await (const path of files(directory)) size += Math.ceil((await Deno.stat(path)).size / 1024);
  return size;
}

async function checksums(directory: string, conffiles: readonly string[]): Promise<string> {
  const paths: string[] = [];
  for await (const path of files(directory)) paths.push(path.slice(directory.length + 1));
  const listed = paths.filter((path) => !conffiles.includes(`/${path}`)).sort();
  return await run("md5sum", { args: listed, cwd: directory });
}
