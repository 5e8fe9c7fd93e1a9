// Writes the tables of the pages in docs/ that come from the sources, and the JSON schema of the
// configuration file. `deno task docs` runs it and formats what it wrote.
import { reasonRows } from "../src/cli/help.ts";
import { configSchema } from "../src/config/schema.ts";
import { fieldRows } from "../src/config/values/access_template.ts";
import { METRICS } from "../src/telemetry/metrics.ts";
import { simulatedTables } from "./simulate/large/tables.ts";

const ROOT = new URL("..", import.meta.url);

/** A table that stands in a page between `<!-- name -->` and `<!-- end of name -->`. */
export interface Table {
  readonly page: string;
  readonly name: string;
  readonly lines: readonly string[];
}

/** All tables that come from the sources. Starts the program, to ask it for its metrics. */
export async function tables(): Promise<Table[]> {
  return [
    {
      page: "docs/operating.md",
      name: "fields",
      lines: ["| field | units | meaning |", "| --- | --- | --- |", ...fieldRows()],
    },
    {
      page: "docs/failures.md",
      name: "end reasons",
      lines: ["| reason | meaning |", "| --- | --- |", ...reasonRows()],
    },
    {
      page: "docs/metrics.md",
      name: "metrics",
      lines: [
        "| Prometheus | type | meaning | OpenTelemetry |",
        "| --- | --- | --- | --- |",
        ...metricRows(await exposition()),
      ],
    },
    ...Object.entries(simulatedTables()).map(([name, lines]) => {
      return { page: "docs/scale.md", name, lines };
    }),
  ];
}

/** What the program tells Prometheus, with one destination. */
async function exposition(): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-P", "main.ts", "--admin", "127.0.0.1:0", "127.0.0.1:0", "1"],
    cwd: ROOT,
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const reader = child.stderr.pipeThrough(new TextDecoderStream() as never).getReader();
  try {
    let log = "";
    let address: string | undefined;
    while (address === undefined) {
      const { done, value } = await reader.read();
      if (done) throw new Error(`the program does not start:\n${log}`);
      log += value;
      address = /admin API on (127\.0\.0\.1:\d+)\n/.exec(log)?.[1];
    }
    return await (await fetch(`http://${address}/metrics`)).text();
  } finally {
    child.kill("SIGTERM");
    await reader.cancel();
    await child.status;
  }
}

/** The labels of what there may be none of, by the part that its metrics are about. */
const OWN_LABELS: Readonly<Record<string, readonly string[]>> = {
  name: ["name"],
  child: ["child"],
  route: ["name", "protocol"],
  tls_certificate: ["certificate"],
  destination: ["destination"],
};

/** A row for each metric of a text in the format of Prometheus. */
function metricRows(text: string): string[] {
  const names = new Map(METRICS.map(({ name }) => [name.replaceAll(".", "_"), name]));
  return [...text.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\w+)(?:\n([^#\n].*))?$/gm)].map(
    (match) => {
      // What is not known yet of a listener or a name has no sample.
      const [, name, help, type, sample] = match as unknown as [
        string,
        string,
        string,
        string,
        string | undefined,
      ];
      const [, part = ""] = /^iawlb_(name|child|route|tls_certificate|destination)_/.exec(name) ??
        [];
      const unknown = ["listener", ...OWN_LABELS[part] ?? []].map((label) => `${label}=""`).join();
      const labels = [...(sample ?? unknown).matchAll(/(\w+)="/g)].map(([, label]) => label)
        .filter((label) => label !== "le");
      const shown = `\`${name}${labels.length > 0 ? `{${labels.join(",")}}` : ""}\``;
      const plain = name.replace(/(_seconds)?(_total)?$/, "");
      const other = type === "histogram" ? plain.replaceAll("_", ".") : names.get(plain);
      const exported = other !== undefined && !(type === "histogram" && /destination/.test(name));
      return `| ${shown} | ${type} | ${help} | ${exported ? `\`${other}\`` : ""} |`;
    },
  );
}

/** A page with a table in its place. */
function put(text: string, { page, name, lines }: Table): string {
  const marked = new RegExp(`(<!-- ${name} -->\\n\\n)[^]*?(<!-- end of ${name} -->)`);
  if (!marked.test(text)) throw new Error(`${page} has no marked table of ${name}`);
  return text.replace(marked, (_, begin, end) => `${begin}${lines.join("\n")}\n\n${end}`);
}

if (import.meta.main) {
  for (const table of await tables()) {
    const path = new URL(table.page, ROOT);
    await Deno.writeTextFile(path, put(await Deno.readTextFile(path), table));
  }
  await Deno.writeTextFile(
    new URL("packaging/iawlb.schema.json", ROOT),
    JSON.stringify(configSchema(), null, 2) + "\n",
  );
}
