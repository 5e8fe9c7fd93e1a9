import { parseArgs } from "@std/cli/parse-args";

/**
 * Reads what a script was given: flags, each of which has a value. Anything else ends it with status
 * 2 and a line that says what is wrong.
 *
 * @param script Who says it.
 * @param names Of the flags.
 */
export function readFlags<Name extends string>(
  script: string,
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const refuse = (arg: string, why: string): never => {
    console.error(`${script}: ${arg || '""'}: ${why}`);
    Deno.exit(2);
  };
  const all = `must be ${names.map((name) => `--${name}`).join(", ")}, each with a value`;
  const { _: others, ...given } = parseArgs(Deno.args, {
    string: ["_", ...names],
    collect: [...names],
    unknown: (arg) => refuse(arg, all),
  }) as Record<string, string[]>;
  // What stands behind `--`.
  const [other] = others!;
  if (other !== undefined) refuse(other, all);
  const flags: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const [value, ...more] = given[name] ?? [];
    if (more.length > 0) refuse(`--${name}`, "must be given once");
    if (value === undefined) continue;
    // What follows is another flag, or nothing does.
    if (value === "" || value.startsWith("--")) refuse(`--${name}`, "has no value");
    flags[name] = value;
  }
  return flags;
}
