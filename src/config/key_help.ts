import type { Option } from "./option.ts";

/** What an option does, where options are keys of a file and not flags. */
export function helpOfKey({ help }: Pick<Option<unknown>, "help">): string {
  return help.replace(/--(?=[a-z])/g, "");
}
