// Reads one configuration beside the thread of the sessions, which started it and ends it.
import { messageOf, UsageError } from "../base/errors.ts";
import { parseConfig } from "./parse.ts";
import { type ConfigPiece, toPieces } from "./pieces.ts";
import type { FromConfigThread, ToConfigThread } from "./reader.ts";

const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent<ToConfigThread>) => void) | null;
  postMessage(message: FromConfigThread): void;
};

let pieces: Iterator<ConfigPiece>;

scope.onmessage = async ({ data }) => {
  if (data === "next") return tellNext();
  try {
    const { source, problems } = await parseConfig(data.bytes, data);
    pieces = toPieces({ source, problems: problems.lines });
    tellNext();
  } catch (error) {
    scope.postMessage({ error: messageOf(error), usage: error instanceof UsageError });
  }
};

function tellNext(): void {
  const { done, value } = pieces.next();
  scope.postMessage(done ? "end" : { piece: value });
}
