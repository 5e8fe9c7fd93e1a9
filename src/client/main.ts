import { print } from "../base/output.ts";
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
  if (command === "ctl") await ctl(args, print);
  else await top(args, print);
}
