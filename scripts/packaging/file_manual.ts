import {
  DESTINATION_OPTIONS,
  destinationOptionForm,
  destinationOptionNames,
} from "../../src/config/options/destination.ts";
import type { Option } from "../../src/config/option.ts";
import { EXEC_OPTIONS, execOptionNames } from "../../src/config/options/exec.ts";
import { SERVICE_OPTIONS, serviceOptionNames } from "../../src/config/options/service.ts";
import { keyOf, type OptionName, optionNames, rowOf } from "../../src/config/options.ts";
import { LISTENER_KEYS } from "../../src/config/schema.ts";
import { escape, example, prose, section, tagged } from "./roff.ts";

const KEYS = new Set(optionNames().map(keyOf));

/**
 * The manual page `iawlb.toml(5)`, of the tables of options.
 *
 * @param options.date Of the page.
 */
export function fileManual(options: { version: string; date: Date }): string {
  const date = options.date.toISOString().slice(0, 10);
  const groups = (scope: "listener" | "program") => {
    const all = Map.groupBy(optionNames(scope), (name) => rowOf(name).group);
    return [...all].flatMap(([title, names]) => [`.SS ${escape(title)}`, ...names.map(key)]);
  };
  return [
    `.TH IAWLB.TOML 5 "${date}" "iawlb ${options.version}" "File Formats"`,
    section("NAME", "iawlb.toml \\- the configuration file of iawlb"),
    section("SYNOPSIS", `\\fBiawlb \\-\\-config\\fR \\fI/etc/iawlb/iawlb.toml\\fR`),
    section(
      "DESCRIPTION",
      text(NEEDED),
      example(...EXAMPLES[0]!.slice(1, 3)),
      ".PP",
      paragraphs(...DESCRIPTION),
    ),
    section(
      "ADDRESSES",
      ...Object.entries(LISTENER_KEYS).map(([name, { description }]) => {
        return tagged(bold(name), text(String(description)));
      }),
      tagged(bold("[[listener]]"), text(TABLES)),
    ),
    section("KEYS OF A LISTENER", paragraphs(LISTENER), ...groups("listener")),
    section("KEYS OF THE PROGRAM", paragraphs(PROGRAM), ...groups("program")),
    section(
      "OPTIONS OF A DESTINATION",
      paragraphs(DESTINATIONS),
      ...destinationOptionNames().map((name) => {
        const row: Option<unknown> = DESTINATION_OPTIONS[name];
        const usual = row.inherited ? `that of its listener, --${name}` : usualOf(row);
        return entry(bold(destinationOptionForm(name)), row, usual);
      }),
      ".SS Services of the program itself",
      paragraphs(SERVICES),
      ...serviceOptionNames().map((name) => own(name, SERVICE_OPTIONS[name])),
      ".SS Programs",
      paragraphs(PROGRAMS),
      ...execOptionNames().map((name) => own(name, EXEC_OPTIONS[name])),
    ),
    section(
      "EXAMPLES",
      ...EXAMPLES.flatMap(([what, ...lines], i) => {
        return [...(i > 0 ? [".PP"] : []), text(what), example(...lines)];
      }),
    ),
    section("FILES", ...FILES.map(([path, meaning]) => tagged(`\\fI${path}\\fR`, text(meaning)))),
    section("SEE ALSO", "\\fBiawlb\\fR(1), \\fBsystemctl\\fR(1)"),
  ].join("\n") + "\n";
}

const NEEDED = "The file is TOML, and needs two keys:";

const DESCRIPTION: readonly string[] = [
  "Every flag --some-name of iawlb(1) is the key some-name, and a flag wins over " +
  "the file. Numbers may be integers or texts. A TIME is a number with its unit in quotes: " +
  '"250ms", "5s", "10m", "1h", "7d", or "0". Relative paths are those of where the program was started.',
  "iawlb --config FILE --check-config says what is wrong, with line and key, or that nothing is; " +
  "iawlb --config FILE --print-config shows everything that is in force and where it comes from; " +
  "iawlb ctl config asks a running program.",
  "A reload (SIGHUP, systemctl reload iawlb, iawlb ctl reload) reads the file again and applies what " +
  "is different; if anything in it is not allowed nothing changes. Keys that count only after a " +
  "restart say so.",
];

const TABLES =
  "Several listeners in one process: a table for each, instead of listen and destinations at the top " +
  "level. What stands above the first table are the defaults of all.";

const LISTENER = "At the top level, or in the table of a listener.";
const PROGRAM = "At the top level, once.";

const DESTINATIONS =
  'Behind the address, each after a comma, as in "10.0.0.7:9003,workers=4,backup"; or as keys of a ' +
  'table, as in { address = "10.0.0.7:9003", workers = 4, backup = true }.';
const SERVICES = 'Behind service:NAME, as in "service:http,delay=250ms".';
const PROGRAMS =
  'Before exec:, as in "user=nobody,exec:/usr/bin/tac"; or as keys of a table, as in ' +
  '{ exec = ["/usr/bin/tac"], user = "nobody" }.';

const EXAMPLES: readonly (readonly [what: string, ...lines: string[]])[] = [
  [
    "Two servers, of which the second has at most four connections:",
    'listen = "8080"',
    'destinations = ["127.0.0.1:9001", "10.0.0.7:9003,workers=4"]',
    "workers = 20",
    'queue-timeout = "10s"',
  ],
  [
    "Two listeners, and the page for this machine:",
    'admin = "127.0.0.1:9090"',
    "",
    "[[listener]]",
    'name = "web"',
    'listen = "8080"',
    'destinations = ["10.0.0.7:80", "10.0.0.8:80,backup"]',
    'check = "http:/health"',
    "",
    "[[listener]]",
    'name = "db"',
    'listen = "5432"',
    'destinations = ["10.0.0.9:5432"]',
    "workers = 20",
    'check = "postgres"',
  ],
];

const FILES: readonly (readonly [path: string, meaning: string])[] = [
  ["/etc/iawlb/iawlb.toml", "what the service reads; the comments in it explain it"],
  ["/usr/share/iawlb/iawlb.schema.json", "the JSON schema of the file, for editors"],
];

function key(name: OptionName): string {
  const row = rowOf(name);
  return entry(bold(keyOf(name)), row, usualOf(row));
}

function own(name: string, row: Option<unknown>): string {
  return entry(bold(name), row, usualOf(row));
}

/** An option: what it does, what it may be, what it is by itself, and when another value counts. */
function entry(
  term: string,
  { help, allowed, needsRestart }: Option<unknown>,
  usual: string,
): string {
  const end = needsRestart ? " Another value counts after a restart." : "";
  return tagged(term, text(`${sentence(help)} Value: ${allowed}. Default: ${usual}.${end}`));
}

/** The default as the file has it, or in words where it is what cannot be written. */
function usualOf({ format, parse, default: usual, notation }: Option<unknown>): string {
  const value = format(usual);
  const plain = parse(value) === undefined || notation?.booleans ||
    (notation?.integers && /^\d+$/.test(value));
  return plain ? value : `"${value}"`;
}

function sentence(help: string): string {
  return help.replace(/^./, (letter) => letter.toUpperCase()).replace(/(?<!\.)$/, ".");
}

/** Text in which keys stand for the flags that they are. */
function text(words: string): string {
  return prose(words).replace(/\\fB\\-\\-((?:[a-z]|\\-)+)\\fR/g, (whole, name: string) => {
    const plain = name.replaceAll("\\-", "-");
    return KEYS.has(plain) ? `\\fB${name}\\fR` : whole;
  });
}

function paragraphs(...all: string[]): string {
  return all.map(text).join("\n.PP\n");
}

function bold(name: string): string {
  return `\\fB${escape(name)}\\fR`;
}
