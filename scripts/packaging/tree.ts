import { completions } from "./completions.ts";
import { fileManual } from "./file_manual.ts";
import { readInterface } from "./interface.ts";
import { manual } from "./manual.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

/** What is packaged, and when it was made, as all files in it say. */
export interface Release {
  readonly version: string;
  readonly date: Date;
  /** The standalone binary. */
  readonly binary: string;
}

/** What is run. */
const PROGRAMS = ["usr/bin/iawlb", "usr/sbin/iawlb-upgrade", "usr/lib/iawlb/iawlb-reload"];

/** Every installed file with its contents, or `undefined` for the binary. */
type Files = Record<string, string | Uint8Array>;

/** The files that are the operator's once they are installed. */
export const CONFIGURATION = ["etc/iawlb/iawlb.toml", "etc/logrotate.d/iawlb"];

/**
 * Writes everything that is installed below a directory, as below `/`.
 *
 * There is nothing outside of `etc` and `usr`, so that it can be unpacked over a system in which
 * `/lib` is a link.
 *
 * @returns The configuration files that there are, from `/` on.
 */
export async function plant(directory: string, release: Release): Promise<string[]> {
  const files: Files = {
    ...await described(release),
    ...await copied({
      "usr/lib/systemd/system/iawlb.service": "packaging/iawlb.service",
      "usr/lib/systemd/system/iawlb.socket": "packaging/iawlb.socket",
      "etc/logrotate.d/iawlb": "packaging/iawlb.logrotate",
      "etc/iawlb/iawlb.toml": "packaging/iawlb.toml",
      "usr/sbin/iawlb-upgrade": "packaging/iawlb-upgrade",
      "usr/lib/iawlb/iawlb-reload": "packaging/iawlb-reload",
      "usr/share/iawlb/iawlb.sysctl.conf": "packaging/iawlb.sysctl.conf",
      "usr/share/iawlb/iawlb.schema.json": "packaging/iawlb.schema.json",
      "usr/share/iawlb/prometheus/iawlb.rules.yml": "packaging/prometheus/iawlb.rules.yml",
      "usr/share/iawlb/grafana/iawlb.json": "packaging/grafana/iawlb.json",
    }),
    ...await documentation(),
    "usr/share/man/man8/iawlb-upgrade.8.gz": await gzip(await upgradeManual(release)),
    "usr/share/doc/iawlb/copyright": copyright(await Deno.readTextFile(`${ROOT}/LICENSE`)),
    "usr/share/doc/iawlb/changelog.gz": await gzip(changelog(release)),
  };
  for (const [path, contents] of Object.entries(files)) {
    await Deno.mkdir(`${directory}/${path}`.replace(/[^/]*$/, ""), { recursive: true });
    const bytes = typeof contents === "string" ? new TextEncoder().encode(contents) : contents;
    await Deno.writeFile(`${directory}/${path}`, bytes);
  }
  await Deno.mkdir(`${directory}/usr/bin`);
  await Deno.copyFile(release.binary, `${directory}/usr/bin/iawlb`);
  await settle(directory, release.date);
  return CONFIGURATION.filter((path) => path in files).map((path) => `/${path}`);
}

/** What the binary's own help texts are made into. */
async function described({ binary, version, date }: Release): Promise<Files> {
  const program = await readInterface(async (args) => {
    const { success, stdout } = await new Deno.Command(binary, { args: [...args] }).output();
    if (!success) throw new Error(`${binary} ${args.join(" ")} failed`);
    return new TextDecoder().decode(stdout);
  });
  const { bash, zsh, fish } = completions(program);
  return {
    "usr/share/man/man1/iawlb.1.gz": await gzip(manual(program, { version, date })),
    "usr/share/man/man5/iawlb.toml.5.gz": await gzip(fileManual({ version, date })),
    "usr/share/bash-completion/completions/iawlb": bash,
    "usr/share/zsh/vendor-completions/_iawlb": zsh,
    "usr/share/fish/vendor_completions.d/iawlb.fish": fish,
  };
}

/** The page of `iawlb-upgrade`, of this release. */
async function upgradeManual({ version, date }: Release): Promise<string> {
  const page = await Deno.readTextFile(`${ROOT}/packaging/iawlb-upgrade.8`);
  return page.replace('8 "" "iawlb"', `8 "${date.toISOString().slice(0, 10)}" "iawlb ${version}"`);
}

/** What Prometheus and Grafana read. */
const MONITORING = ["packaging/prometheus", "packaging/grafana"];

/** The pages and examples, which link to each other as in the repository, and what is for two machines. */
async function documentation(): Promise<Files> {
  const folders = [
    "docs",
    "docs/images",
    "examples",
    "examples/init.d",
    "examples/compose",
    "packaging",
    "packaging/kubernetes",
    ...MONITORING,
  ];
  const paths = folders.flatMap((folder) => {
    const files = [...Deno.readDirSync(`${ROOT}/${folder}`)].filter(({ isFile }) => isFile);
    return files.map(({ name }) => `${folder}/${name}`);
  });
  const pages = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"];
  const at = (path: string) => `usr/share/doc/iawlb/${path}`;
  const ha = [...Deno.readDirSync(`${ROOT}/scripts/ha`)].map(({ name }) => name);
  return await copied({
    ...Object.fromEntries([...pages, ...paths].map((path) => [at(path), path])),
    ...Object.fromEntries(ha.map((name) => [at(`ha/${name}`), `scripts/ha/${name}`])),
  });
}

/** Files of the repository, those of them that exist. */
async function copied(paths: Record<string, string>): Promise<Files> {
  const files: Files = {};
  for (const [target, source] of Object.entries(paths)) {
    try {
      files[target] = await Deno.readFile(`${ROOT}/${source}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return files;
}

/** The licence of the program, as Debian's tools read it. */
export function copyright(licence: string): string {
  const [, holders = "the iawlb authors"] = /^Copyright \(c\) (.*)$/m.exec(licence) ?? [];
  const terms = licence.slice(licence.indexOf("Permission")).trimEnd();
  const body = terms.split("\n").map((line) => ` ${line || "."}`).join("\n");
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: iawlb

Files: *
Copyright: ${holders}
License: Expat
${body}
`;
}

function changelog({ version, date }: Release): string {
  const when = date.toUTCString().replace("GMT", "+0000");
  return `iawlb (${version}) stable; urgency=medium

  * Release ${version}.

 -- ${MAINTAINER}  ${when}
`;
}

/** As Debian's tools have it: who signs a package that somebody builds for themselves. */
export const MAINTAINER = `${Deno.env.get("DEBFULLNAME") ?? "the iawlb authors"} <${
  Deno.env.get("DEBEMAIL") ?? "root@localhost"
}>`;

/** Compressed without a time or a name in it. */
async function gzip(text: string): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const { gzip } = await import("node:zlib");
  gzip(text, { level: 9 }, (error, bytes) => error ? reject(error) : resolve(bytes));
  return await promise;
}

/** Gives everything below a directory the same owner's rights and the same time. */
async function settle(path: string, date: Date): Promise<void> {
  const { isDirectory } = await Deno.lstat(path);
  if (isDirectory) {
    for await (const { name } of Deno.readDir(path)) await settle(`${path}/${name}`, date);
  }
  const executable = isDirectory || PROGRAMS.some((program) => path.endsWith(`/${program}`));
  await Deno.chmod(path, executable ? 0o755 : 0o644);
  await Deno.utime(path, date, date);
}
