import { run } from "../packaging/run.ts";

/** Why an image cannot be made, in one line. */
export class ImageError extends Error {
  override readonly name = "ImageError";
}

/** A file of this machine that goes into the image, where it is found there as well. */
export interface SystemFile {
  /** From `/` on, as the program looks for it. */
  readonly path: string;
  /** The Debian package that it belongs to. */
  readonly source: string;
}

/**
 * What the C library loads by itself to look names up, before 2.34; later it has that built in, and
 * these are empty.
 */
const LOADED_LATER = ["libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2"];

/** The authorities against which TLS to destinations is verified. */
const AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt";

/**
 * What a binary needs of this machine: the libraries that it is linked to with their loader, and
 * the certificates of authorities if there are any.
 *
 * @throws {ImageError} If it does not run here, or nobody knows whose a file is.
 */
export async function neededFiles(binary: string): Promise<SystemFile[]> {
  let listed: string;
  try {
    listed = await run("ldd", { args: [binary] });
  } catch {
    throw new ImageError(`${binary}: ldd cannot tell its libraries: is it for this machine?`);
  }
  const libraries = readLdd(listed);
  const missing = /^\s*(\S+) => not found/m.exec(listed);
  if (missing) throw new ImageError(`${binary}: this machine has no ${missing[1]}`);
  const libc = libraries.find((path) => /\/libc\.so\.\d+$/.test(path));
  if (libc === undefined) throw new ImageError(`${binary}: is linked to no C library`);
  const folder = libc.slice(0, libc.lastIndexOf("/"));
  const more = LOADED_LATER.map((name) => `${folder}/${name}`).filter(isThere);
  const paths = [...new Set([...libraries, ...more])].sort();
  const files = await Promise.all(paths.map(async (path) => ({
    path,
    source: await packageOf(path),
  })));
  // That file is made when the package is installed, so that it is no part of it.
  if (isThere(AUTHORITIES)) files.push({ path: AUTHORITIES, source: "ca-certificates" });
  return files;
}

/** The paths in what ldd says, the loader's among them. */
export function readLdd(listed: string): string[] {
  return [...listed.matchAll(/^\s*(?:\S+ => )?(\/\S+) \(0x[\da-f]+\)$/gm)].map(([, path]) => path!);
}

/** Where the licence of a package is. */
export function licenceOf(source: string): string {
  return `/usr/share/doc/${source}/copyright`;
}

/** Which package has a file; where `/lib` is a link to `/usr/lib`, either name may be known. */
async function packageOf(path: string): Promise<string> {
  for (const name of new Set([path, `/usr${path}`, await Deno.realPath(path)])) {
    const { success, stdout } = await new Deno.Command("dpkg-query", {
      args: ["--search", name],
      stderr: "null",
    }).output().catch((error: Error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      throw new ImageError("the licences of the libraries are found by dpkg, which is not here");
    });
    const [, source] = /^([\w.+-]+)(?::\w+)?: /.exec(new TextDecoder().decode(stdout)) ?? [];
    if (success && source !== undefined && isThere(licenceOf(source))) return source;
  }
  throw new ImageError(`${path}: no package of this machine tells its licence`);
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
