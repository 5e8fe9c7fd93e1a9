/**
 * Bad usage or configuration: something the operator wrote that cannot be right.
 *
 * The message is one complete line: which flag or key, the value received, what is allowed.
 * The program prints it as it is and exits with status 2.
 */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/**
 * A failure at run time that ends the program, such as an address already in use.
 *
 * The message is one complete line. The program prints it as it is and exits with status 1.
 */
export class FatalError extends Error {
  override readonly name = "FatalError";
}

/** The message of anything that was thrown, for a log line. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Why a file cannot be opened or read, in one line and without its path. */
export function fileProblem(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  // What the runtime says of devices and of what is in /proc is about flags of its own.
  if (error instanceof Deno.errors.NotCapable) return "it is a special file of the system";
  // Deno adds the call and the path in quotes, which may have line breaks.
  return messageOf(error).replace(/[,:] \w+ '[^]*$/, "");
}

/** The operating system's name of an error, such as `ECONNREFUSED`, where it has one. */
export function codeOf(thrown: unknown): string | undefined {
  const code = (thrown as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : undefined;
}

/** The server's connection failed before the first byte of an answer. */
export class UnansweredError extends Error {
  override readonly name = "UnansweredError";

  constructor(cause: unknown) {
    const reset = cause === undefined || cause instanceof Deno.errors.ConnectionReset ||
      cause instanceof Deno.errors.BrokenPipe;
    super(
      reset
        ? "it accepted a connection and reset it before its first byte"
        : `a connection to it failed before its first byte: ${messageOf(cause)}`,
      { cause },
    );
  }
}
