import type { ConfiguredDestination } from "./destination_text.ts";
import { DESTINATION_OPTIONS, destinationOptionNames } from "./options/destination.ts";
import {
  optionTextsOf,
  optionValues,
  readDestination,
  splitDestination,
  writeDestination,
} from "./destination_text.ts";
import { UsageError } from "../base/errors.ts";
import type { Option } from "./option.ts";
import type { Settings } from "./options.ts";
import { quote } from "../base/text.ts";

/** Destinations without repeats, and a line about each that had some. */
export interface Merged {
  readonly destinations: readonly string[];
  readonly notes: readonly string[];
}

/**
 * Makes one of a destination that is given several times, with as many times its workers: who gives
 * it to have a worker each time gets just that. What is malformed stays as it is.
 *
 * @param defaults What destinations have that have no options.
 * @throws {UsageError} If the options differ, since then it could be any of them.
 */
export function mergeRepeats(texts: readonly string[], defaults: Settings): Merged {
  const repeats = new Map<string, { text: string; one?: ConfiguredDestination; times: number }>();
  for (const text of texts) {
    let problems = 0;
    const one = readDestination({ text, defaults }, () => void problems++);
    const first = one && repeats.get(one.key);
    if (!one || problems > 0) repeats.set(`malformed ${repeats.size}`, { text, times: 1 });
    else if (!first?.one) repeats.set(one.key, { text, one, times: 1 });
    else if (sameOptions(first.text, text)) first.times++;
    else {
      throw new UsageError(
        `DESTINATION ${quote(text)}: is the same as ${quote(first.text)} with other options; ` +
          "must be given once, or each time with the same",
      );
    }
  }
  const notes: string[] = [];
  const destinations = [...repeats.values()].map(({ text, one, times }) => {
    if (times === 1 || !one) return text;
    const workers = DESTINATION_OPTIONS.workers.format(one.workers * times);
    notes.push(
      `destination ${one.name} is given ${times} times: it is one with ${workers} workers`,
    );
    const [address] = splitDestination(text);
    return writeDestination(address, { ...optionTextsOf(text), workers });
  });
  return { destinations, notes };

  function sameOptions(text: string, other: string): boolean {
    const [ones, others] = [text, other].map((one) => optionValues(optionTextsOf(one), defaults));
    return destinationOptionNames().every((name) => {
      const { format }: Option<unknown> = DESTINATION_OPTIONS[name];
      return format(ones![name]) === format(others![name]);
    });
  }
}
