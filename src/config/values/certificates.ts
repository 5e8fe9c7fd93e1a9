import type { Option } from "../option.ts";
import { type AnswerFile, contentsOf } from "./answer_file.ts";

/** Most bytes of a file with certificates or a key. */
export const MAX_PEM_BYTES = 1024 * 1024;

const MAX_PAIRS = 1000;

const FILE = contentsOf({ help: "", limit: MAX_PEM_BYTES });

/** A certificate and its key, as files and what was in them. */
export interface CertificateFiles {
  readonly cert: AnswerFile;
  readonly key: AnswerFile;
}

/** Certificates with their keys, each `CERT:KEY`, separated by commas. */
export function certificates(spec: { help: string }): Option<readonly CertificateFiles[]> {
  return {
    form: "CERT:KEY[,CERT:KEY]",
    default: [],
    help: spec.help,
    allowed: "none, or pairs of files CERT:KEY separated by commas, in the configuration file a " +
      'list such as [{ cert = "a.pem", key = "a.key" }]',
    parse(text) {
      if (text === "none") return [];
      const pairs = text.split(",").map(parsePair);
      if (pairs.length > MAX_PAIRS) return undefined;
      return pairs.every((pair) => pair !== undefined) ? pairs : undefined;
    },
    problem(text) {
      for (const path of text.split(",").flatMap((pair) => pair.split(":"))) {
        const problem = path === "none" || path === "" ? undefined : FILE.problem!(path);
        if (problem?.startsWith("must be")) return undefined;
        if (problem !== undefined) return `${path} ${problem}`;
      }
      return undefined;
    },
    format: (pairs) => pairs.map(({ cert, key }) => `${cert.path}:${key.path}`).join(",") || "none",
    tell(pairs) {
      const told = pairs.map(({ cert, key }) => `${FILE.tell!(cert)}:${FILE.tell!(key)}`);
      return told.join(",") || "none";
    },
    withPaths(text, change) {
      if (text === "none") return text;
      return text.split(",").map((pair) => pair.split(":").map(change).join(":")).join(",");
    },
    notation: {
      words: ["none"],
      pattern: "^[^:,]+:[^:,]+(,[^:,]+:[^:,]+)*$",
      list: true,
      pairs: ["cert", "key"],
    },
  };
}

function parsePair(text: string): CertificateFiles | undefined {
  const [cert, key, ...more] = text.trim().split(":").map((path) => {
    return path === "" || path === "none" ? undefined : FILE.parse(path);
  });
  return cert && key && more.length === 0 ? { cert, key } : undefined;
}
