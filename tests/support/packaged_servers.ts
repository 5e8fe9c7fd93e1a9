import { freePort, until } from "./servers.ts";

/** Where Debian puts what is not in the search path. */
const FOLDERS = ["/usr/sbin", "/usr/local/sbin", ...postgresFolders()];

/** A server of a package, in a folder of its own, on a free port of loopback. */
export interface RealServer extends AsyncDisposable {
  readonly port: number;
  readonly folder: string;
  /** What it has written so far. */
  log(): string;
}

/** The path of a program, if it is installed. */
export function find(program: string): string | undefined {
  const folders = [...(Deno.env.get("PATH") ?? "").split(":"), ...FOLDERS];
  return folders.map((folder) => `${folder}/${program}`).find(exists);
}

/** Why a test that needs a program of a package is left out, and whether it is; see `unless`. */
export function needing(program: string, from: string): Record<string, boolean> {
  return { [`there is no ${program}, which is in the package ${from}`]: !find(program) };
}

function postgresFolders(): string[] {
  try {
    const versions = [...Deno.readDirSync("/usr/lib/postgresql")].map(({ name }) => name);
    return versions.map((version) => `/usr/lib/postgresql/${version}/bin`);
  } catch {
    return [];
  }
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Runs a program to its end; fails with what it has said. */
export async function run(program: string, args: readonly string[], input = ""): Promise<string> {
  const child = new Deno.Command(find(program) ?? program, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input)).catch(() => {});
  await writer.close().catch(() => {});
  const { success, stdout, stderr } = await child.output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (!success) throw new Error(`${program} ${args.join(" ")}: ${out}${err}`);
  return out!;
}

/** A folder that a server's own user may write to as well. */
async function makeFolder(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "iawlb-" });
  await Deno.chmod(folder, 0o777);
  return folder;
}

/** Starts a program that stays in the foreground, and waits until its port answers. */
export async function serve(
  program: string,
  configure: (at: { port: number; folder: string }) => readonly string[] | Promise<string[]>,
): Promise<RealServer> {
  const folder = await makeFolder();
  const port = freePort();
  const args = await configure({ port, folder });
  const child = new Deno.Command(find(program) ?? program, {
    args: [...args],
    cwd: folder,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let output = "";
  let ended = false;
  const collected = Promise.all([child.stdout, child.stderr].map(async (stream) => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) output += decoder.decode(chunk, { stream: true });
  })).then(() => ended = true);
  const dispose = async () => {
    try {
      child.kill("SIGTERM");
    } catch {
      // It has ended already.
    }
    await Promise.all([child.status, collected]);
    await Deno.remove(folder, { recursive: true });
  };
  try {
    await until(async () => ended || await answers(port), `${program} listens`, 60_000);
    if (ended) throw new Error(`${program} has ended: ${output}`);
  } catch (error) {
    await dispose();
    throw error;
  }
  return { port, folder, log: () => output, [Symbol.asyncDispose]: dispose };
}

async function answers(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}
