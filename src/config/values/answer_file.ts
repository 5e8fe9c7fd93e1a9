import { FileError, readBoundedSync } from "../../base/bounded_file.ts";
import type { Option } from "../option.ts";

/** Most bytes of an answer: it must fit into what the kernel takes at once. */
const MAX_BYTES = 16 * 1024;

const ALLOWED = `none, or the path of a file of 1 to ${MAX_BYTES} bytes`;

/** Bytes that clients get, and the file that they were read from; both empty if there is none. */
export interface AnswerFile {
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The contents of a file, which are read together with the configuration. */
export function answerFile(spec: { help: string }): Option<AnswerFile> {
  return {
    form: "FILE",
    default: { path: "", bytes: new Uint8Array() },
    help: spec.help,
    allowed: ALLOWED,
    parse: (text) => {
      const read = readAnswer(text);
      return typeof read === "string" ? undefined : read;
    },
    problem: (text) => {
      const read = readAnswer(text);
      return typeof read === "string" ? read : undefined;
    },
    format: ({ path }) => path || "none",
    tell: ({ path, bytes }) => path ? `${path} (${bytes.length} bytes, ${sum(bytes)})` : "none",
    notation: { words: ["none"], pattern: "." },
  };
}

/** The answer, or what is wrong with the file. */
function readAnswer(text: string): AnswerFile | string {
  if (text === "none") return { path: "", bytes: new Uint8Array() };
  if (text === "" || text.includes("\0")) return `must be ${ALLOWED}`;
  try {
    const bytes = new Uint8Array(readBoundedSync(text, MAX_BYTES));
    if (bytes.length === 0) return `is empty; must be ${ALLOWED}`;
    return { path: text, bytes };
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return `cannot be read: ${error.message}; must be ${ALLOWED}`;
  }
}

/** Tells contents apart (FNV-1a, 32 bits): another file under the same name is a difference. */
function sum(bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
