import { print } from "../base/output.ts";
import { ctl } from "./ctl.ts";
import { send } from "./send.ts";
import { top } from "./top.ts";

/**
 * Runs `iawlb top …`, `iawlb ctl …` or `iawlb send …`. Returns the exit status.
 *
 * @param args Without the name of the command.
 * @throws {UsageError} If the arguments are not allowed.
 * @throws {FatalError} If it fails.
 */
export async function runClient(
  command: "top" | "ctl" | "send",
  args: readonly string[],
): Promise<number> {
  if (command === "send") return await send(args, print);
  if (command === "ctl") await ctl(args, print);
  else await top(args, print);
  return 0;
}
