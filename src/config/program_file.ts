import type { ExecAddress } from "./exec_address.ts";
import { quote } from "../base/text.ts";

/** Where programs are looked for if nothing says where. */
const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin";

/** As much of the first line of a script as Linux reads (BINPRM_BUF_SIZE), in bytes. */
const MAX_FIRST_LINE = 256;

/** Where a program is: its path, or where its name is found in `PATH`; `undefined` if it is not. */
export function findProgram(program: string): string | undefined {
  if (program.includes("/")) return program;
  for (const folder of (Deno.env.get("PATH") ?? DEFAULT_PATH).split(":")) {
    const path = `${folder || "."}/${program}`;
    const info = look(path);
    if (!(info instanceof Error) && info.isFile && (info.mode! & 0o111) !== 0) return path;
  }
}

/** Why a program cannot be run, as far as its file shows; `undefined` if it does not show. */
export function problemOfProgram(
  { command: [program], account }: Pick<ExecAddress, "command" | "account">,
): string | undefined {
  const path = findProgram(program);
  if (path === undefined) return "no program of this name is found in PATH";
  const info = look(path);
  if (info instanceof Deno.errors.NotFound) return "there is no such file";
  if (info instanceof Deno.errors.PermissionDenied) return "a folder of its path is closed";
  if (info instanceof Error) return "its file cannot be looked at";
  if (!info.isFile) return "it is no regular file";
  if ((info.mode! & executableBits(info, account)) === 0) return "its file is not executable";
  const interpreter = interpreterOf(path);
  if (interpreter === undefined || !(look(interpreter) instanceof Deno.errors.NotFound)) return;
  return `its first line asks for ${quote(interpreter)}, and there is no such file`;
}

/** The program that runs a script, by its first line, `#!`; `undefined` if it names none. */
function interpreterOf(path: string): string | undefined {
  const begin = new Uint8Array(MAX_FIRST_LINE);
  try {
    using file = Deno.openSync(path);
    file.readSync(begin);
  } catch {
    return undefined;
  }
  return /^#![ \t]*(\/[^ \t\n\0]*)/.exec(new TextDecoder().decode(begin))?.[1];
}

/** What is known of a file. It takes microseconds, and starting a program is synchronous, too. */
function look(path: string): Deno.FileInfo | Error {
  try {
    return Deno.statSync(path);
  } catch (error) {
    return error as Error;
  }
}

/** Those bits of which one lets it be run. Root may run what anybody may. */
function executableBits(info: Deno.FileInfo, account: ExecAddress["account"]): number {
  if (!account || account.uid === 0) return 0o111;
  if (info.uid === account.uid) return 0o100;
  return info.gid === account.gid ? 0o010 : 0o001;
}
