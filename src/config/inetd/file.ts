import { resolve } from "node:path";
import { FileError, readBounded } from "../../base/bounded_file.ts";
import { fileProblem, UsageError } from "../../base/errors.ts";
import type { ConfigFlags, ParsedConfig } from "../parse.ts";
import { ConfigProblems } from "../problems.ts";
import { inetdConfig } from "./listeners.ts";

/** Where inetd has its configuration. */
export const INETD_CONF = "/etc/inetd.conf";

/** Most bytes; a thousand services need 60 KB. */
const MAX_BYTES = 256 * 1024;

/** How long a file that is read anew must have been left alone, in milliseconds. */
const REST_MS = 50;

/**
 * Makes a function that reads an inetd.conf, anew whenever it is called. The path stays the same file
 * wherever the process goes.
 *
 * @param name As the operator named it.
 * @returns A function that throws an {@linkcode UsageError} if the file cannot be read.
 */
export function inetdReader(name: string, flags: ConfigFlags): () => Promise<ParsedConfig> {
  // deno-lint-ignore no-control-regex -- a name with a line break would make two lines of one
  const file = /[\x00-\x1f\x7f]/.test(name) ? JSON.stringify(name) : name;
  const path = resolve(flags.folder ?? "", name);
  let started = false;
  return async () => {
    const options = { limit: MAX_BYTES, rest: started ? REST_MS : 0 };
    const bytes = await readBounded(path, options).catch((error) => {
      const reason = error instanceof FileError ? error.message : fileProblem(error);
      throw new UsageError(`${file}: cannot be read: ${reason}`);
    });
    started = true;
    const problems = new ConfigProblems(file);
    // What is no UTF-8 is a replacement character then: comments may be of any age.
    return inetdConfig(new TextDecoder().decode(bytes), { file, flags, problems });
  };
}
