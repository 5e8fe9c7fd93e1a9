import { FileError, readBoundedSync } from "../base/bounded_file.ts";
import { UsageError } from "../base/errors.ts";

/** Fewest characters of a token: 16 random hexadecimal digits are 64 bits. */
const MIN_LENGTH = 16;

/** Most bytes of its file: there may be a comment below it. */
const MAX_BYTES = 64 * 1024;

/** What a token may consist of, so that it fits into a header field: visible ASCII. */
const TOKEN = /^[\x21-\x7e]+$/;

/** A file has no token that could be used; the message is complete, with flag and path. */
export class TokenFileError extends UsageError {
  /** What is wrong and what is allowed. */
  readonly problem: string;

  constructor({ path, flag }: { path: string; flag: string }, problem: string) {
    super(`${flag} ${JSON.stringify(path)}: ${problem}`);
    this.problem = problem;
  }
}

/**
 * The token in a file: its first line without the white space around it.
 *
 * @param flag What has named the file, for the message.
 * @throws {TokenFileError} If the file cannot be read, or its first line is not allowed as a token. The
 * message never contains the token.
 */
export function readToken(path: string, flag = "--admin-token-file"): string {
  const token = (readText({ path, flag }).split("\n", 1)[0] ?? "").trim();
  if (token.length >= MIN_LENGTH && TOKEN.test(token)) return token;
  throw new TokenFileError(
    { path, flag },
    `its first line has ${token.length} characters; must be a token of at least ${MIN_LENGTH} ` +
      'visible ASCII characters, such as one that "openssl rand -hex 32" makes',
  );
}

function readText(file: { path: string; flag: string }): string {
  try {
    return new TextDecoder().decode(readBoundedSync(file.path, MAX_BYTES));
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new TokenFileError(
      file,
      `cannot be read, ${error.message}; must be a file whose first line is the token`,
    );
  }
}
