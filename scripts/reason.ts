import { CompileError } from "./compile.ts";
import { ImageError } from "./image/libraries.ts";
import { CommandError } from "./packaging/run.ts";

const TOLD = [CommandError, CompileError, ImageError];

/**
 * Why something could not be made, in one line: the machine lacks it, a disk is full, a file is not
 * there. Nothing if that is a mistake of the script.
 */
export function reasonOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const isTold = TOLD.some((kind) => error instanceof kind);
  // What the system says has one, such as ENOSPC.
  return isTold || "code" in error ? error.message : undefined;
}
