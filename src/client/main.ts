import { ctl } from "./ctl.ts";
import { top } from "./top.ts";

/**
 * Runs `iawlb top …` or `iawlb ctl …`.
 *
 * @param args Without the name of the command.
 * @throws {UsageError} If the arguments are not allowed.
 * @throws {FatalError} If it fails.
 */
export async function runClient(command: "top" | "ctl", args: readonly string[]): Promise<void> {
  if (command === "ctl") await ctl(args, (line) => void print(line));
  else await top(args, print);
}

/** Writes a line to standard output. Returns whether anybody still reads there. */
function print(line: string): boolean {
  let bytes = new TextEncoder().encode(`${line}\n`);
  try {
    while (bytes.length > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) return false;
    throw error;
  }
}
