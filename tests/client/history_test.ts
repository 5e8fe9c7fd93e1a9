import { assert, assertEquals, assertRejects } from "@std/assert";
import { UsageError } from "../../src/base/errors.ts";
import { ctl } from "../../src/client/ctl.ts";
import { FakeAdmin } from "../support/fake_admin.ts";
import { historyOf, pastOf, seriesOf } from "../support/histories.ts";

async function run(admin: FakeAdmin, ...args: string[]): Promise<string[]> {
  const lines: string[] = [];
  await ctl([admin.address, "history", ...args], (line) => lines.push(line));
  return lines;
}

const WEB = pastOf({
  id: 1,
  name: "web",
  steps: 300,
  values: {
    waiting: (step) => step < 150 ? 0 : Math.floor((step - 150) / 10),
    accepted_per_s: () => 12.5,
    bytes_down_per_s: () => 2048,
    wait_p99_ms: (step) => step === 299 ? 80 : null,
  },
});

Deno.test("history draws what a listener did, its destinations and what happened", async () => {
  await using admin = new FakeAdmin();
  const destinations = [
    {
      id: "1.1",
      name: "db1",
      series: seriesOf(10, { sessions_per_s: () => 4, failures: () => 1 }),
    },
    { id: "1.2", name: "db\x1b2", series: seriesOf(300) },
  ];
  const told = historyOf({
    listeners: [{ ...WEB, destinations }],
    marks: [{
      time: "2026-01-01T00:00:07.123Z",
      uptime_ms: 7000,
      kind: "down",
      text: "db2 is down",
    }],
  });
  admin.answers.set("GET /history?span=5m", () => Response.json(told));
  const lines = await run(admin);
  assertEquals(
    lines[0],
    "The last 5 minutes until 2026-01-01T00:00:00Z; a column has 5 seconds, the highest of them",
  );
  const line = (label: string) => lines.find((line) => line.trimStart().startsWith(label))!;
  const waiting = line("waiting");
  assert(waiting.includes("▁".repeat(30)) && waiting.includes("▇█"), waiting);
  assert(/now 14 +most 14$/.test(waiting), waiting);
  assert(/█{60} {2}now 12\.5 +most 12\.5$/.test(line("accepted/s")), line("accepted/s"));
  assert(/now 2\.0 KiB\/s +most 2\.0 KiB\/s$/.test(line("down")));
  assert(/ {59}█ {2}now 80\.0 ms +most 80\.0 ms$/.test(line("wait p99")), line("wait p99"));
  assert(/now - +most -$/.test(line("wait p50")));
  // One that came lately begins where it came.
  assert(
    /^ {2}1\.1 db1 {3} {58}██ {2}sessions\/s most 4\.0 +failures 10 +p99 most -$/.test(line("1.1")),
  );
  assert(line("1.2").startsWith("  1.2 db?2  ▁"), line("1.2"));
  assertEquals(lines.slice(-2), ["What happened", "  2026-01-01T00:00:07Z  db2 is down"]);
});

Deno.test("history of a day is about one listener, or the only one, with its destinations", async () => {
  await using admin = new FakeAdmin();
  const day = historyOf({
    span: "24h",
    step_ms: 60_000,
    listeners: [pastOf({ ...WEB, steps: 0 })],
  });
  const full = { ...day, listeners: [{ ...day.listeners[0]!, destinations: [] }] };
  admin.answers.set("GET /history?span=24h", () => Response.json(day));
  admin.answers.set("GET /history?span=24h&listener=1", () => Response.json(full));
  admin.answers.set("GET /history?span=24h&listener=a+b", () => {
    return Response.json({ error: 'nothing is kept of a listener "a b"' }, { status: 404 });
  });
  const lines = await run(admin, "--span", "24h");
  assertEquals(lines.slice(2), [
    "Listener 1: web",
    "  nothing is kept yet: it has not been there for a minute",
  ]);
  assertEquals(JSON.parse((await run(admin, "--span", "24h", "--json")).join("")), full);
  await assertRejects(() => run(admin, "a b", "--span", "24h"), Error, 'a listener "a b"');
  const wrong = '--span "1h": must be 5m or 24h';
  await assertRejects(() => run(admin, "--span", "1h"), UsageError, wrong);
  await assertRejects(() => run(admin, "1", "2"), UsageError, '"2": one too many');
});

Deno.test("an answer that is no history is said not to be iawlb's", async () => {
  await using admin = new FakeAdmin();
  const told = historyOf({ listeners: [WEB] });
  const odd = { ...told, listeners: [{ ...WEB, series: { waiting: ["many"] } }] };
  admin.answers.set("GET /history?span=5m", () => Response.json(odd));
  await assertRejects(() => run(admin), Error, "does not look like the --admin address of iawlb");
});
