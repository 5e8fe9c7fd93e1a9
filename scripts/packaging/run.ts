/** A command that has failed, and has said why. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

/**
 * Runs a command to its end and returns its standard output; what it complains about is shown.
 *
 * @throws {CommandError} If it fails.
 */
export async function run(
  command: string,
  options: { args: readonly string[]; cwd?: string; env?: Record<string, string> },
): Promise<string> {
  const { args, ...rest } = options;
  const { success, stdout } = await new Deno.Command(command, {
    ...rest,
    args: [...args],
    stderr: "inherit",
  }).output();
  if (!success) throw new CommandError(`${command} ${args.join(" ")} failed`);
  return new TextDecoder().decode(stdout);
}
