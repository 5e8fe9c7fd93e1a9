// Reads one configuration beside the thread of the sessions, which started it and ends it.
import { messageOf, UsageError } from "../base/errors.ts";
import { parseConfig } from "./parse.ts";
import type { FromConfigThread, ToConfigThread } from "./reader.ts";

const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent<ToConfigThread>) => void) | null;
  postMessage(message: FromConfigThread): void;
};

scope.onmessage = async ({ data: { bytes, file, flags } }) => {
  try {
    const { source, problems } = await parseConfig(bytes, { file, flags });
    scope.postMessage({ source, problems: problems.lines });
  } catch (error) {
    scope.postMessage({ error: messageOf(error), usage: error instanceof UsageError });
  }
};
