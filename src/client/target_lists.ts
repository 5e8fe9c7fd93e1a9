import { FatalError } from "../base/errors.ts";
import type { Status } from "../operations/operations.ts";
import { quote } from "../base/text.ts";
import { candidatesOf, findDestination, listOf, spellings, type Target } from "./target.ts";

/** What stands for every destination. */
export const ALL = "all";

/**
 * The destinations that the operator means, each once: every text is one as {@linkcode findDestination}
 * has it, `all`, or a pattern in which `*` is anything and `?` is any character. A name stands for all
 * its records; of those that were removed and only finish their sessions a pattern means none.
 *
 * @throws {FatalError} If there is none for one of the texts, or several where no pattern is.
 */
export function findDestinations(status: Status, texts: readonly string[]): readonly Target[] {
  const found = new Map<string, Target>();
  for (const text of texts) {
    for (const target of meantBy(status, text)) found.set(target.id, target);
  }
  return [...found.values()];
}

function meantBy(status: Status, text: string): readonly Target[] {
  const all = candidatesOf(status);
  // One that is called so wins: a path or the command of a program may have such characters.
  const isPattern = text === ALL || /[*?]/.test(text);
  if (!isPattern || all.some((one) => spellings(one).includes(text))) {
    return [findDestination(status, text)];
  }
  const pattern = patternOf(text === ALL ? "*" : text);
  const matching = all.filter((one) => {
    return !one.destination.leaving && spellings(one).some((spelling) => pattern.test(spelling));
  });
  if (matching.length === 0) {
    throw new FatalError(
      all.length === 0
        ? `${quote(text)}: there are no destinations`
        : `${quote(text)}: no destination is called so; there is ${listOf(all)}`,
    );
  }
  const names = new Set(matching.filter(({ isName }) => isName).map(keyOf));
  return matching.filter(({ listener, destination: { source } }) => {
    return !source || !names.has(`${listener.id}/${source}`);
  }).map(({ destination }) => destination);
}

function keyOf({ listener, destination }: ReturnType<typeof candidatesOf>[number]): string {
  return `${listener.id}/${destination.name}`;
}

function patternOf(text: string): RegExp {
  const source = text.replace(/[^*?]/gu, (char) => char.replace(/[\\^$.|+()[\]{}/]/, "\\$&"))
    .replace(/\*+/g, ".*").replaceAll("?", ".");
  return new RegExp(`^${source}$`, "su");
}
