import { END_REASONS } from "../../src/operations/end_reasons.ts";
import type { Flag, Help, Interface, Paragraph, Term } from "./interface.ts";
import { escape, example, prose, section, tagged, usage } from "./roff.ts";

/**
 * The manual page `iawlb(1)`.
 *
 * @param options.date Of the page.
 */
export function manual(
  { program, commands }: Interface,
  options: { version: string; date: Date },
): string {
  const date = options.date.toISOString().slice(0, 10);
  return [
    `.TH IAWLB 1 "${date}" "iawlb ${options.version}" "User Commands"`,
    section("NAME", `iawlb \\- ${escape(program.title)}`),
    section("SYNOPSIS", program.usage.map(usage).join("\n.br\n")),
    section("DESCRIPTION", paragraphs(program.description)),
    section("OPTIONS", ...flags(program.flags)),
    ...Object.entries(commands).map(([name, help]) => command(name, help)),
    section(
      "SIGNALS",
      ...clauses(program.signals ?? missing("Signals"), /^(SIG\w+(?:(?:,| and) SIG\w+)*) /),
    ),
    section("EXIT STATUS", ...clauses(program.exitStatus ?? missing("Exit status"), /^(\d+) /)),
    section(
      "END REASONS",
      prose("The access log and the counters name why a session ended:"),
      ...Object.entries(END_REASONS).map(([reason, { help }]) => {
        return tagged(`\\fB${escape(reason)}\\fR`, prose(help));
      }),
    ),
    section("FILES", ...FILES.map(([path, meaning]) => tagged(`\\fI${path}\\fR`, prose(meaning)))),
    section(
      "EXAMPLES",
      ...EXAMPLES.flatMap(([text, ...lines], i) => {
        return [...(i > 0 ? [".PP"] : []), prose(text), example(...lines)];
      }),
    ),
    section(
      "SEE ALSO",
      "\\fBiawlb.toml\\fR(5), \\fBsystemctl\\fR(1), \\fBjournalctl\\fR(1), \\fBlogrotate\\fR(8)",
    ),
  ].join("\n") + "\n";
}

const FILES: readonly (readonly [path: string, meaning: string])[] = [
  ["/etc/iawlb/iawlb.toml", "the configuration of the service; the comments in it explain it"],
  ["/usr/share/iawlb/iawlb.schema.json", "its JSON schema, for editors"],
  ["/usr/share/iawlb/prometheus/iawlb.rules.yml", "alerts for Prometheus"],
  ["/usr/share/iawlb/grafana/iawlb.json", "a dashboard for Grafana, to be imported"],
  ["/run/iawlb/", "made for the service, for sockets; it goes when the service ends"],
  ["/var/log/iawlb/", "made for the service, for access logs, which logrotate rotates"],
];

const EXAMPLES: readonly (readonly [text: string, ...lines: string[]])[] = [
  [
    "Port 8080 in front of two servers, at most four connections each, and a third that only " +
    "stands by:",
    "iawlb --workers 4 8080 9001 10.0.0.7:9002 10.0.0.8:9003,backup",
  ],
  ["See it at work, with servers of its own:", "iawlb --demo"],
  [
    "Finish what was accepted, then stop; then start again:",
    "systemctl stop iawlb",
    "systemctl start iawlb",
  ],
];

function missing(label: string): never {
  throw new Error(`the help text of iawlb has no paragraph "${label}:"`);
}

function paragraphs(all: readonly Paragraph[]): string {
  return all.map(({ text, terms }) => [prose(text), ...terms.map(term)].join("\n")).join("\n.PP\n");
}

function term({ name, form, help }: Term): string {
  return tagged(`\\fB${escape(name)}\\fR ${usage(form)}`.trimEnd(), prose(help));
}

/** Flags, with the title of each group of them before its first. */
function flags(all: readonly Flag[]): string[] {
  return all.map((one, i) => {
    const { group } = one;
    const isFirst = group !== undefined && group !== all[i - 1]?.group;
    return (isFirst ? `.SS ${escape(group)}\n` : "") + flag(one);
  });
}

function flag({ name, short, form, default: preset, help }: Flag): string {
  const names = [short, name].filter((one) => one !== undefined);
  const bold = names.map((one) => `\\fB${escape(one)}\\fR`).join(", ");
  const value = form === undefined ? "" : ` \\fI${escape(form)}\\fR`;
  const end = preset === undefined ? "" : ` (default ${preset})`;
  return tagged(bold + value, prose(help + end));
}

function command(name: string, help: Help): string {
  return section(
    `"IAWLB ${name.toUpperCase()}"`,
    prose(`${help.title[0]!.toUpperCase()}${help.title.slice(1)}.`),
    `.PP\n${help.usage.map(usage).join("\n.br\n")}`,
    `.PP\n${paragraphs(help.description)}`,
    ...flags(help.flags),
    help.exitStatus === undefined ? "" : `.PP\n${prose(`Exit status: ${help.exitStatus}`)}`,
  );
}

/** A paragraph of clauses, each with a term at its beginning, as tagged lines. */
function clauses(text: string, head: RegExp): string[] {
  return text.replace(/\.$/, "").split("; ").map((clause) => {
    const [whole, name] = head.exec(clause) ?? [];
    if (whole === undefined || name === undefined) return prose(clause);
    return tagged(`\\fB${escape(name)}\\fR`, prose(clause.slice(whole.length)));
  });
}
