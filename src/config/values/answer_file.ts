import { FileError, readBoundedSync } from "../../base/bounded_file.ts";
import type { Option } from "../option.ts";

/** Most bytes of an answer: it must fit into what the kernel takes at once. */
const MAX_BYTES = 16 * 1024;

/** Bytes that clients get, and the file that they were read from; both empty if there is none. */
export interface AnswerFile {
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What clients are told before they are closed, read together with the configuration. */
export function answerFile(spec: { help: string }): Option<AnswerFile> {
  return contentsOf({ ...spec, limit: MAX_BYTES });
}

/** The contents of a file of at most so many bytes. */
export function contentsOf(
  { help, limit }: { help: string; limit: number },
): Option<AnswerFile> {
  const allowed = `none, or the path of a file of 1 to ${limit} bytes`;
  return {
    form: "FILE",
    default: { path: "", bytes: new Uint8Array() },
    help,
    allowed,
    parse: (text) => {
      const read = readAnswer(text, { limit, allowed });
      return typeof read === "string" ? undefined : read;
    },
    problem: (text) => {
      const read = readAnswer(text, { limit, allowed });
      return typeof read === "string" ? read : undefined;
    },
    format: ({ path }) => path || "none",
    tell: ({ path, bytes }) => path ? `${path} (${bytes.length} bytes, ${sum(bytes)})` : "none",
    notation: { words: ["none"], pattern: "." },
    path: true,
  };
}

/** The answer, or what is wrong with the file. */
function readAnswer(
  text: string,
  { limit, allowed }: { limit: number; allowed: string },
): AnswerFile | string {
  if (text === "none") return { path: "", bytes: new Uint8Array() };
  if (text === "" || text.includes("\0")) return `must be ${allowed}`;
  try {
    const bytes = new Uint8Array(readBoundedSync(text, limit));
    if (bytes.length === 0) return `is empty; must be ${allowed}`;
    return { path: text, bytes };
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return `cannot be read: ${error.message}; must be ${allowed}`;
  }
}

/** Tells contents apart (FNV-1a, 32 bits): another file under the same name is a difference. */
function sum(bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
