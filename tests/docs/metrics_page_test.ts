import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { blocks, page } from "../support/doc_pages.ts";
import { pathOf } from "../support/real_servers.ts";
import { unless } from "../support/unless.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

Deno.test("every metric in the questions of docs/metrics.md, the rules and the dashboard is there", () => {
  const text = page("docs/metrics.md");
  const [table = "", rest = ""] = text.split("<!-- end of metrics -->");
  const names = new Set([...table.matchAll(/^\| `(iawlb_\w+)/gm)].map(([, name]) => name!));
  const others = ["prometheus/iawlb.rules.yml", "grafana/iawlb.json"].map((path) => {
    return Deno.readTextFileSync(`${ROOT}packaging/${path}`);
  });
  const used = [rest, ...others].flatMap((text) => [...text.matchAll(/\biawlb_\w+/g)])
    .map(([name]) => name.replace(/_bucket$/, ""));
  assert(used.length > 60);
  for (const name of used) assert(names.has(name), name);
});

Deno.test({
  ...unless("Prometheus understands its configuration in docs/metrics.md, with the rules", {
    "there is no promtool": pathOf("promtool") === undefined,
  }),
  fn: async () => {
    const folder = await Deno.makeTempDir();
    const [block, ...others] = blocks().filter(({ language }) => language === "yaml");
    assertEquals(others, []);
    await Deno.writeTextFile(`${folder}/token`, "0123456789abcdef\n");
    const text = block!.text.replace("/usr/share/iawlb/", `${ROOT}packaging/`)
      .replace("/etc/prometheus/iawlb.token", `${folder}/token`);
    await Deno.writeTextFile(`${folder}/prometheus.yml`, text);
    const { success, stdout, stderr } = await new Deno.Command("promtool", {
      args: ["check", "config", `${folder}/prometheus.yml`],
    }).output();
    await Deno.remove(folder, { recursive: true });
    assert(success, new TextDecoder().decode(stderr));
    assertStringIncludes(new TextDecoder().decode(stdout), "1 rule files found");
  },
});
