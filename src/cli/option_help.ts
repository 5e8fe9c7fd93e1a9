import type { Option } from "../config/option.ts";
import { flagOf, type OptionName, rowOf } from "../config/options.ts";
import { wrap } from "../base/text.ts";

/** How far what a flag does is indented below it. */
const INDENT = 6;

/** A flag that is no option, in a help text. */
export function flagHelp(usage: string, help: string): string {
  return `  ${usage}\n${wrap(help, INDENT)}`;
}

/** An option in a help text, with its default. */
export function optionHelp(flag: string, option: Option<unknown>, help = option.help): string {
  const { form, default: usual, format } = option;
  return flagHelp(`${flag}${form && ` ${form}`}  (${format(usual)})`, help);
}

/** Options in a help text, those that belong together below one title, as in the documentation. */
export function optionGroups(
  names: readonly OptionName[],
  help: Readonly<Partial<Record<OptionName, string>>> = {},
): string {
  const groups = Map.groupBy(names, (name) => rowOf(name).group);
  return Array.from(groups, ([title, members]) => {
    return [
      `${title}:`,
      ...members.map((name) => optionHelp(flagOf(name), rowOf(name), help[name])),
    ]
      .join("\n");
  }).join("\n\n");
}
