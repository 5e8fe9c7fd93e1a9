import type { Verdict } from "../net/networks.ts";
import type { ListenerTexts } from "./config.ts";
import type { OptionName } from "./options.ts";

/** A value as it was written: on the command line, or in a line of the configuration file. */
export interface Written {
  readonly text: string;
  /** Counts from 1; absent for the command line. */
  readonly line?: number | undefined;
  /** Why it counts, if nobody wrote it. */
  readonly origin?: string;
}

/** The options that were given; `allow` and `deny` are apart. */
export type WrittenOptions = Readonly<Partial<Record<OptionName, Written>>>;

/** One entry of `allow` or `deny`. */
export interface WrittenRule extends Written {
  readonly verdict: Verdict;
}

/** Everything that was written about one listener. */
export interface ListenerSource {
  readonly listen: Written | undefined;
  readonly destinations: readonly Written[];
  readonly options: WrittenOptions;
  readonly rules: readonly WrittenRule[];
}

/** Everything that was written. */
export interface ProgramSource {
  /** The configuration file as the operator named it, in one line; absent without one. */
  readonly file?: string | undefined;
  /** The options of the program as a whole. */
  readonly options: WrittenOptions;
  readonly listeners: readonly ListenerSource[];
}

/** The texts alone. */
export function textsOf({ listen, destinations, options, rules }: ListenerSource): ListenerTexts {
  return {
    listen: listen?.text ?? "",
    destinations: destinations.map(({ text }) => text),
    options: optionTexts(options),
    rules: rules.map(({ verdict, text }) => ({ verdict, networks: text })),
  };
}

/** The texts of options alone. */
export function optionTexts(options: WrittenOptions): Partial<Record<OptionName, string>> {
  return Object.fromEntries(Object.entries(options).map(([name, { text }]) => [name, text]));
}
