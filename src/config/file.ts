import { resolve } from "node:path";
import { FileError, readBounded, readStream } from "../base/bounded_file.ts";
import { type ConfigFlags, parseConfig, type ParsedConfig } from "./parse.ts";
import { fileProblem, UsageError } from "../base/errors.ts";
import { OperationError } from "../operations/operations.ts";
import { measureToml } from "./toml_limits.ts";

/** Most bytes of a configuration; a thousand listeners as they are printed have 2 MB. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * What is parsed at once, in about 5 ms; anything more is parsed beside the sessions. A thousand
 * destinations in a list are just short enough.
 */
const SHORT = { bytes: 48 * 1024, tokens: 2000 };

/** How long a file that is read anew must have been left alone, in milliseconds. */
const REST_MS = 50;

/** What stands for standard input. */
const STANDARD_INPUT = ["-", "/dev/stdin"];

/**
 * Makes a function that reads a configuration file, anew whenever it is called. The path stays the
 * same file wherever the process goes; standard input is read once.
 *
 * @param name As the operator named it.
 * @returns A function that throws an {@linkcode UsageError} if the file cannot be read, is not TOML or
 * has too much of something, and an {@linkcode OperationError} when standard input is asked again.
 */
export function configReader(name: string, flags: ConfigFlags): () => Promise<ParsedConfig> {
  if (STANDARD_INPUT.includes(name)) return standardInputReader(flags);
  // deno-lint-ignore no-control-regex -- a name with a line break would make two lines of one
  const file = /[\x00-\x1f\x7f]/.test(name) ? JSON.stringify(name) : name;
  const path = resolve(flags.folder ?? "", name);
  let started = false;
  return async () => {
    const options = { limit: MAX_BYTES, rest: started ? REST_MS : 0 };
    const bytes = await readBounded(path, options).catch((error) => unreadable(file, error));
    // Nobody is held up by the first time.
    const short = !started || isShort(bytes, file);
    started = true;
    if (short) return await parseConfig(bytes, { file, flags });
    const { parseBeside } = await import("./reader.ts");
    return await parseBeside({ bytes, file, flags });
  };
}

/** @throws {UsageError} If it has too much of something. */
function isShort(bytes: Uint8Array, file: string): boolean {
  if (bytes.length > SHORT.bytes) return false;
  return measureToml(new TextDecoder().decode(bytes), file).tokens <= SHORT.tokens;
}

function standardInputReader(flags: ConfigFlags): () => Promise<ParsedConfig> {
  const file = "standard input";
  let read = false;
  return async () => {
    if (read) {
      throw new OperationError(
        "conflict",
        "the configuration came from standard input, which is read once: a change needs a restart",
      );
    }
    read = true;
    const bytes = await readStream(Deno.stdin, MAX_BYTES).catch((error) => unreadable(file, error));
    return await parseConfig(bytes, { file, flags });
  };
}

function unreadable(file: string, error: Error): never {
  const reason = error instanceof FileError ? error.message : fileProblem(error);
  throw new UsageError(`${file}: cannot be read: ${reason}`);
}
