import type { ExecAddress } from "../config/exec_address.ts";

/** Where programs are looked for if nothing says where. */
const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin";

/** Where a program is: its path, or where its name is found in `PATH`; `undefined` if it is not. */
export async function findProgram(program: string): Promise<string | undefined> {
  if (program.includes("/")) return program;
  for (const folder of (Deno.env.get("PATH") ?? DEFAULT_PATH).split(":")) {
    const path = `${folder || "."}/${program}`;
    const info = await Deno.stat(path).catch(() => undefined);
    if (info?.isFile && (info.mode! & 0o111) !== 0) return path;
  }
}

/** Why a program cannot be run, as far as its file shows; `undefined` if it does not show. */
export async function problemOfProgram(
  { command: [program], account }: Pick<ExecAddress, "command" | "account">,
): Promise<string | undefined> {
  const path = await findProgram(program);
  if (path === undefined) return "no program of this name is found in PATH";
  let info: Deno.FileInfo;
  try {
    info = await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "there is no such file";
    if (error instanceof Deno.errors.PermissionDenied) return "a folder of its path is closed";
    return "its file cannot be looked at";
  }
  if (!info.isFile) return "it is no regular file";
  if ((info.mode! & executableBits(info, account)) === 0) return "its file is not executable";
}

/** Those bits of which one lets it be run. Root may run what anybody may. */
function executableBits(info: Deno.FileInfo, account: ExecAddress["account"]): number {
  if (!account || account.uid === 0) return 0o111;
  if (info.uid === account.uid) return 0o100;
  return info.gid === account.gid ? 0o010 : 0o001;
}
