import type { Option } from "../option.ts";
import { type AnswerFile, contentsOf } from "./answer_file.ts";

/** Most bytes of a body. */
const MAX_BYTES = 1024 * 1024;

/** The contents of a file that is the body of answers, read together with the configuration. */
export function bodyFile(spec: { help: string }): Option<AnswerFile> {
  return contentsOf({ ...spec, limit: MAX_BYTES });
}
