// Writes docs/options.md from the tables of options: `deno run -A scripts/options_page.ts`.
import { commandLineFlags } from "../src/cli/command_line_flags.ts";
import {
  DESTINATION_OPTIONS,
  destinationOptionForm,
  destinationOptionNames,
} from "../src/config/options/destination.ts";
import type { Option } from "../src/config/option.ts";
import { EXEC_OPTIONS, execOptionNames } from "../src/config/options/exec.ts";
import { SERVICE_OPTIONS, serviceOf, serviceOptionNames } from "../src/config/options/service.ts";
import { flagOf, keyOf, type OptionName, optionNames, rowOf } from "../src/config/options.ts";
import { LISTENER_KEYS } from "../src/config/schema.ts";

/** What stands in the page before the options of each group. */
const GROUPS: Readonly<Record<string, string>> = {
  Listeners: "How many sessions a listener has at a time, whose they are, and how it accepts them.",
  Sessions: "How long the stages of a session may take, and what happens when one fails.",
  Health: "How the health of destinations is found out, and when they are down and up again.",
  Logging: "What is logged, and where.",
  Process: "Who the program is to the system, and how it goes into the background: see " +
    "[deployment](deployment.md#as-a-daemon).",
  Administration: "Where the program answers about itself.",
};

/** The page. */
export function optionsPage(): string {
  const groups = Map.groupBy(optionNames(), (name) => rowOf(name).group);
  const sections = [...groups].map(([title, names]) => {
    return [`## ${title}`, GROUPS[title]!, ...names.flatMap(option)];
  });
  return [
    "# Options",
    "<!-- scripts/options_page.ts writes this page; do not edit it. -->",
    "Every option of `iawlb`. TIME is a number with a unit: `250ms`, `5s`, `10m`, `1h`, `1d`, or " +
    "`0`. Every flag `--some-name` is the key `some-name` of the [configuration " +
    "file](configuration.md). A flag wins over the file, the table of a listener over the top " +
    "level.",
    ...sections.flat(),
    "## Destinations",
    "Options of one destination: after its address, each behind a comma, as in " +
    "`10.0.0.7:9003,workers=4,backup`; as keys of a table in the file, as in " +
    '`{ address = "10.0.0.7:9003", workers = 4, backup = true }`; and as fields of the ' +
    "[admin API](admin-api.md).",
    ...destinationOptionNames().flatMap((name) => {
      const row: Option<unknown> = DESTINATION_OPTIONS[name];
      const usual = row.inherited ? `that of its listener, [${name}](#${name})` : defaultOf(row);
      return entry(`Destination: ${name}`, row, [
        `After the address: \`${destinationOptionForm(name)}\``,
        `Default: ${usual}`,
      ]);
    }),
    "## Services",
    "Options of a [service](services.md) of the program itself: after `service:NAME`, each behind a " +
    "comma, as in `service:http,delay=250ms`; as keys of a table in the file; and as flags of " +
    "`iawlb serve`.",
    ...serviceOptionNames().flatMap((name) => {
      const row: Option<unknown> = SERVICE_OPTIONS[name];
      return entry(`Service: ${name}`, row, [
        `After the name: \`service:${serviceOf(name)},${name}=${row.form}\``,
        `Command line: \`iawlb serve ${serviceOf(name)} LISTEN --${name} ${row.form}\``,
        `Default: ${defaultOf(row)}`,
      ]);
    }),
    "## Programs",
    "Options of a [program](programs.md) behind the queue: before `exec:`, each with a comma behind " +
    "it, as in `user=nobody,exec:/usr/bin/x`; as keys of a table in the file, as in " +
    '`{ exec = ["/usr/bin/x"], user = "nobody" }`; and as fields of the [admin API](admin-api.md).',
    ...execOptionNames().flatMap((name) => {
      const row: Option<unknown> = EXEC_OPTIONS[name];
      return entry(`Program: ${name}`, row, [
        `Before the program: \`${name}=${row.form},exec:PROGRAM\``,
        `Default: ${defaultOf(row)}`,
      ]);
    }),
    "## Keys of the file only",
    "The addresses are keys of the file and arguments of the command line.",
    ...Object.entries(LISTENER_KEYS).flatMap(([key, { description }]) => {
      return [`### ${key}`, markdown(String(description))];
    }),
    "## Flags of the command line only",
    ...commandLineFlags().flatMap(({ usage, help }) => [`### \`${usage}\``, sentence(help)]),
  ].join("\n\n") + "\n";
}

function option(name: OptionName): string[] {
  const row = rowOf(name);
  const place = row.scope === "program"
    ? "at the top level"
    : "at the top level for all listeners, or in a `[[listener]]`";
  return entry(keyOf(name), row, [
    `Command line: \`${`${flagOf(name)} ${row.form}`.trimEnd()}\``,
    `File: \`${keyOf(name)}\`, ${place}`,
    `Default: ${defaultOf(row)}`,
  ]);
}

function entry(title: string, row: Option<unknown>, facts: readonly string[]): string[] {
  const reload = row.needsRestart ? "counts after a restart" : "is applied by a reload";
  const all = [...facts, `Value: ${markdown(row.allowed)}`, `Another value ${reload}`];
  return [`### ${title}`, sentence(row.help), all.map((fact) => `- ${fact}`).join("\n")];
}

function defaultOf({ format, default: usual }: Option<unknown>): string {
  return `\`${format(usual)}\``;
}

function sentence(text: string): string {
  return markdown(text.replace(/^./, (letter) => letter.toUpperCase())).replace(/(?<!\.)$/, ".");
}

/** A text in which nothing has a meaning that it is not meant to have; flags are code. */
function markdown(text: string): string {
  return text.replace(/[\\*_<>[\]]/g, "\\$&").replace(/--[a-z-]+/g, "`$&`");
}

if (import.meta.main) {
  await Deno.writeTextFile(new URL("../docs/options.md", import.meta.url), optionsPage());
}
