import type { ListenerSource, ProgramSource, Written, WrittenRule } from "./source.ts";
import { flagOf, keyOf, type OptionName, optionNames, rowOf } from "./options.ts";

/** One line of the file: TOML, and where it comes from. */
type Line = readonly [toml: string, origin?: string];

/**
 * A configuration as a file that says the same, every value with where it comes from. The result
 * has no line break at its end.
 */
export function printConfig(source: ProgramSource): string {
  const program = optionNames("program");
  const rest = optionNames("listener").filter((name) => !rowOf(name).rule);
  const optionLines = (
    names: readonly OptionName[],
    { options }: Pick<ListenerSource, "options">,
  ) => {
    return names.map((name) => optionLine(name, { written: options[name], source }));
  };
  const listenerLines = (listener: ListenerSource): Line[] => [
    ["listen = " + quoteToml(listener.listen!.text), originOf(listener.listen!, { source })],
    ["destinations = ["],
    ...listener.destinations.map((destination): Line => {
      return [`  ${quoteToml(destination.text)},`, originOf(destination, { source })];
    }),
    ["]"],
    ...optionLines(rest, listener),
    ...ruleLines(listener.rules, source),
  ];
  const [only, ...others] = source.listeners;
  const lines: Line[] = others.length === 0
    ? [...listenerLines(only!), ...optionLines(program, source)]
    : [
      ...optionLines(program, source),
      ...source.listeners.flatMap((listener): Line[] => [
        [""],
        ["[[listener]]"],
        ...listenerLines(listener),
      ]),
    ];
  return lines.map(([toml, origin]) => origin ? `${toml}  # ${origin}` : toml).join("\n");
}

function optionLine(
  name: OptionName,
  { written, source }: { written: Written | undefined; source: ProgramSource },
): Line {
  const option = rowOf(name);
  const text = written?.text ?? option.format(option.default);
  const origin = written ? originOf(written, { source, flag: flagOf(name) }) : "default";
  return [optionToml(name, text), origin];
}

/** An option as a line of a file. */
export function optionToml(name: OptionName, text: string): string {
  const { notation } = rowOf(name);
  const integer = notation?.integers && /^(?:0|[1-9]\d*)$/.test(text);
  return `${keyOf(name)} = ${integer || notation?.booleans ? text : quoteToml(text)}`;
}

/** As `allow` and `deny` where these keep the order, and otherwise as `rules`. */
export function ruleLines(rules: readonly WrittenRule[], source: ProgramSource): Line[] {
  if (rules.length === 0) return [["allow = []", "default"], ["deny = []", "default"]];
  const origin = (rule: WrittenRule) => originOf(rule, { source, flag: flagOf(rule.verdict) });
  const turns = rules.filter((rule, i) => rule.verdict !== rules[i - 1]?.verdict);
  if (turns.length > 2) {
    const lines = rules.map((rule): Line => {
      return [`  ${quoteToml(`${rule.verdict} ${rule.text}`)},`, origin(rule)];
    });
    return [["rules = ["], ...lines, ["]"]];
  }
  return turns.flatMap(({ verdict }) => {
    const lines = rules.filter((rule) => rule.verdict === verdict).map((rule): Line => {
      return [`  ${quoteToml(rule.text)},`, origin(rule)];
    });
    return [[`${verdict} = [`], ...lines, ["]"]] as Line[];
  });
}

/** Where a value was written; on the command line, unless there is a flag, as an address. */
function originOf(
  { line, origin }: Written,
  { source: { file }, flag = "command line" }: { source: ProgramSource; flag?: string },
): string {
  return origin ?? (line === undefined ? flag : `${file}:${line}`);
}

/** A TOML string: JSON leaves alone one character that TOML does not allow. */
export function quoteToml(text: string): string {
  return JSON.stringify(text).replaceAll("\x7f", "\\u007f");
}
