import type { AdminClient } from "./admin_client.ts";

/** What a command works with. */
export interface Context {
  readonly client: AdminClient;
  /** Operands after the command: as many as its `operands` ask for. */
  readonly operands: readonly string[];
  readonly switches: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
  /** Shows lines to the operator, whatever is in them; `raw` instead if the answer itself is wanted. */
  show(lines: readonly string[], raw: unknown): void;
}

/** One command of `iawlb ctl`. */
export interface CtlCommand {
  /** What follows the command's name, for the help. */
  readonly form: string;
  readonly help: string;
  /** Names of the operands that it must have; the last one more than once if `many`. */
  readonly operands: readonly string[];
  readonly many?: boolean;
  /** How many further operands it may have; none unless given. */
  readonly optional?: number;
  /** Its own flags, with or without a value. */
  readonly switches: readonly string[];
  readonly values: readonly string[];
  /** Longest time for an answer, in milliseconds, where the usual one would be too long. */
  readonly patience?: number;
  /** Reads the operands, before anything is connected. @throws {UsageError} */
  check?(operands: readonly string[], values: ReadonlyMap<string, string>): void;
  run(context: Context): Promise<void>;
}
