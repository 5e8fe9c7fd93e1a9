import { wrap } from "../base/text.ts";
import { helpOfKey } from "./key_help.ts";
import { type OptionName, optionNames, rowOf } from "./options.ts";
import { optionToml, quoteToml, ruleLines } from "./print.ts";
import type { ListenerSource, ProgramSource } from "./source.ts";

/** What a file to begin with shows, whether it was given or not: the rest is in the help. */
const SHOWN: readonly { title: string; names: readonly OptionName[] }[] = [
  { title: "How much at a time", names: ["workers", "queue", "queueTimeout"] },
  { title: "Whether a server is there", names: ["check"] },
  { title: "How long", names: ["connectTimeout", "idleTimeout"] },
  { title: "What is told", names: ["accessLog", "logLevel"] },
  { title: "The page and its API", names: ["admin", "adminTokenFile", "adminReadTokenFile"] },
];

/** What is said here in fewer words than everywhere else. */
const HELP: Partial<Record<OptionName, string>> = {
  check:
    'How servers are asked whether they are well: "tcp" is a connect, "http:/health" a GET that ' +
    'gets a status from 200 to 399, "redis", "postgres", "mysql:USER" or "smtp" a few words of their ' +
    "protocol; off = only the connects of clients count.",
};

/**
 * A configuration of one listener as a file for people: what was given, and as comments the options
 * that are asked for first. The result has a line break at its end.
 *
 * @param name What the file is called.
 */
export function starterFile(source: ProgramSource, name: string): string {
  const { listeners: [listener], options } = source;
  const given = { ...options, ...listener!.options };
  const shown = SHOWN.flatMap(({ names }) => names);
  const further = optionNames().filter((name) => given[name] && !shown.includes(name));
  const parts = [
    intro(name, given.admin?.text),
    addresses(listener!),
    ...SHOWN.map(({ title, names }) => section(title, names, given)),
    ...further.length > 0 ? [section("What else was given", further, given)] : [],
    ...listener!.rules.length > 0 ? [rules(listener!, source)] : [],
  ];
  return parts.join("\n\n") + "\n";
}

/** The address of the admin API as people type it. */
export function shortAdmin(text: string): string {
  return text.replace(/^(127\.0\.0\.1|localhost):(?=\d+$)/, "");
}

function intro(name: string, admin = "off"): string {
  const reload = admin === "off" ? "kill -HUP PID" : `iawlb ctl ${shortAdmin(admin)} reload`;
  const lines = [
    [`iawlb --config ${name} --check-config`, "says what is wrong, or that nothing is"],
    [`iawlb --config ${name}`, "starts it"],
    [reload, "puts a change in force; nobody is cut"],
    [`iawlb --config ${name} --print-config`, "shows every option in force"],
  ];
  const width = Math.max(...lines.map(([line]) => line!.length));
  return [
    "# Clients connect to iawlb, and wait in one queue for a server that has room.",
    "#",
    ...lines.map(([line, what]) => `#   ${line!.padEnd(width)}   ${what}`),
    "#",
    '# Lines that begin with "#" and a letter are options with their defaults. There are more:',
    "# iawlb --help.",
  ].join("\n");
}

function addresses({ listen, destinations }: ListenerSource): string {
  return [
    heading("Where"),
    comment(
      'Where clients connect: "8080" is that port of every interface; also "10.0.0.1:8080", ' +
        '"[::1]:8080", "unix:/path" or "udp:53".',
    ),
    `listen = ${quoteToml(listen!.text)}`,
    "",
    comment(
      'The servers, one a line. Options stand behind a comma: "10.0.0.8:9001,workers=4", ' +
        '",weight=2", or ",backup" for one that serves only while no other is up.',
    ),
    "destinations = [",
    ...destinations.map(({ text }) => `  ${quoteToml(text)},`),
    "]",
  ].join("\n");
}

function section(
  title: string,
  names: readonly OptionName[],
  given: ListenerSource["options"],
): string {
  return heading(title) + "\n" + names.map((name) => {
    const row = rowOf(name);
    const { text } = given[name] ?? { text: row.format(row.default) };
    return `${comment(HELP[name] ?? sentence(helpOfKey(row)))}\n${given[name] ? "" : "#"}${
      optionToml(name, text)
    }`;
  }).join("\n\n");
}

function rules({ rules }: ListenerSource, source: ProgramSource): string {
  const lines = ruleLines(rules, source).map(([toml]) => toml);
  return [heading("Who is served"), ...lines].join("\n");
}

function sentence(text: string): string {
  return `${text[0]!.toUpperCase()}${text.slice(1)}.`;
}

function heading(title: string): string {
  return `# ${title} ${"-".repeat(76 - title.length)}\n`;
}

function comment(text: string): string {
  return wrap(text, 2).replace(/^ {2}/gm, "# ");
}
