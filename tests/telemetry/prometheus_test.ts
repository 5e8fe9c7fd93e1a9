import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { metricsPieces } from "../../src/telemetry/prometheus.ts";
import type { Status } from "../../src/operations/operations.ts";
import type { ListenerStatus } from "../../src/operations/listener_status.ts";
import { END_REASONS } from "../../src/operations/end_reasons.ts";
import { TestAdmin } from "../support/admin.ts";
import { destination, listener } from "../support/fake_operations.ts";
import { latenciesOf } from "../support/statuses.ts";

/** Several listeners and destinations, some of them twice or with names that need care. */
const LISTENERS = [
  listener(1, {
    name: "8080",
    destinations: [
      destination("1.1", { name: "9001" }),
      destination("1.2", { name: "9002", state: "down" }),
      destination("1.3", { name: "9001", state: "drain", leaving: true, sessions: 999 }),
    ],
  }),
  listener(2, {
    name: 'unix:/run/a "b"\\c\nd.sock',
    oldest_waiting_ms: 0,
    destinations: [destination("2.1", { name: "9001", latencies: latenciesOf({}) })],
  }),
  listener(3, { name: "8083", destinations: [] }),
  listener(4, { name: "8083", state: "draining", accepted: 999 }),
];

function textOf(listeners: ListenerStatus[]): string {
  const status: Status = {
    version: "1.2.3",
    pid: 1,
    generation: 2,
    time: "2026-01-01T00:00:00Z",
    uptime_ms: 1,
    state: "running",
    log_lines_lost: { access: 0, log: 0 },
    departed: [],
    listeners,
  };
  return [...metricsPieces(status, { startTime: 1700000000.5, residentBytes: 1e8 })].join("");
}

function lines(text: string): string[] {
  return text.trimEnd().split("\n");
}

Deno.test("the metrics say what the status says", () => {
  const text = textOf(LISTENERS);
  for (
    const line of [
      'iawlb_info{version="1.2.3",generation="2"} 1',
      "iawlb_start_time_seconds 1700000000.5",
      "iawlb_resident_memory_bytes 100000000",
      "iawlb_draining 0",
      "iawlb_generation 2",
      'iawlb_sessions_accepted_total{listener="8080"} 10',
      'iawlb_sessions_ended_total{listener="8080",reason="done"} 4',
      'iawlb_sessions_ended_total{listener="8080",reason="queue-timeout"} 1',
      'iawlb_sessions_waiting{listener="8080"} 2',
      'iawlb_sessions_active{listener="8080"} 3',
      'iawlb_queue_limit{listener="8080"} 1024',
      'iawlb_queue_oldest_waiting_seconds{listener="8080"} 1.5',
      'iawlb_bytes_total{listener="8080",direction="up"} 1000',
      'iawlb_bytes_total{listener="8080",direction="down"} 2000',
      'iawlb_queue_seconds_bucket{listener="8080",le="0.00025"} 1',
      'iawlb_queue_seconds_bucket{listener="8080",le="0.005"} 2',
      'iawlb_queue_seconds_bucket{listener="8080",le="600"} 4',
      'iawlb_queue_seconds_bucket{listener="8080",le="+Inf"} 5',
      'iawlb_session_seconds_count{listener="8080"} 5',
      'iawlb_destination_up{listener="8080",destination="9002"} 0',
      'iawlb_destination_state{listener="8080",destination="9002",state="down"} 1',
      'iawlb_destination_state{listener="8080",destination="9002",state="up"} 0',
      'iawlb_destination_sessions_total{listener="8080",destination="9001"} 1006',
      'iawlb_destination_failures_total{listener="8080",destination="9001"} 2',
      'iawlb_destination_lookup_failures_total{listener="8080",destination="9001"} 4',
      'iawlb_destination_workers{listener="8080",destination="9001"} 10',
      'iawlb_destination_limit{listener="8080",destination="9001"} 256',
      'iawlb_destination_bytes_total{listener="8080",destination="9001",direction="down"} 4000',
      'iawlb_destination_connect_seconds_sum{listener="8080",destination="9001"} 0.602',
      'iawlb_sessions_waiting{listener="unix:/run/a \\"b\\"\\\\c\\nd.sock"} 2',
    ]
  ) {
    assert(lines(text).includes(line), line);
  }
});

Deno.test("a reason that did not occur counts 0", () => {
  const text = textOf([listener(1)]);
  for (const reason of Object.keys(END_REASONS)) assertStringIncludes(text, `reason="${reason}"`);
  assertStringIncludes(text, 'reason="quit"} 0\n');
});

Deno.test("every line is one of the format, and no series is there twice", () => {
  const seen = new Set<string>();
  const label = '[a-z]+="(?:[^"\\\\\\n]|\\\\["\\\\n])*"';
  const sample = new RegExp(`^(iawlb_[a-z_]+)(\\{${label}(?:,${label})*\\})? \\d[\\d.e+-]*$`);
  let family = "";
  for (const line of lines(textOf(LISTENERS))) {
    if (line.startsWith("#")) {
      assertMatch(
        line,
        /^# (HELP iawlb_[a-z_]+ .*\.|TYPE iawlb_[a-z_]+ (counter|gauge|histogram))$/,
      );
      family = line.split(" ")[2]!;
      continue;
    }
    const [, name, labels = ""] = sample.exec(line.replace('le="+Inf"', 'le="Inf"')) ?? [];
    assert(name?.replace(/_(bucket|sum|count)$/, "") === family || name === family, line);
    assert(!seen.has(name + labels), `twice: ${line}`);
    seen.add(name + labels);
  }
});

Deno.test("buckets are cumulative, and the last is the count", () => {
  const series = new Map<string, number[]>();
  const counts = new Map<string, number>();
  for (const line of lines(textOf(LISTENERS))) {
    const [, name, labels, value] = /^(\w+)_(?:bucket|count)\{(.*)\} (\S+)$/.exec(line) ?? [];
    if (name === undefined || labels === undefined) continue;
    const key = `${name} ${labels.replace(/,le=.*/, "")}`;
    if (!labels.includes(",le=")) counts.set(key, Number(value));
    else series.set(key, [...series.get(key) ?? [], Number(value)]);
  }
  // Three listeners and four destinations are shown, each with three distributions.
  assertEquals(series.size, 3 * (3 + 4));
  for (const [key, values] of series) {
    assertEquals(values, values.toSorted((a, b) => a - b), key);
    assertEquals(values.at(-1), counts.get(key), key);
  }
});

Deno.test("a program without destinations has metrics all the same", () => {
  assertStringIncludes(textOf([]), "# TYPE iawlb_destination_up gauge\n");
});

Deno.test("the metrics are served as the text format", async () => {
  await using admin = await TestAdmin.start();
  const before = Date.now() / 1000;
  const response = await admin.fetch("/metrics");
  const text = await response.text();
  assertEquals(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const started = Number(/^iawlb_start_time_seconds (.*)$/m.exec(text)?.[1]);
  assert(started <= before && started > before - 3600);
  const resident = Number(/^iawlb_resident_memory_bytes (.*)$/m.exec(text)?.[1]);
  assert(resident > 1e6);
});

const promtool = await hasPromtool();

Deno.test({
  name: "promtool has nothing against the metrics" +
    (promtool ? "" : " (skipped: there is no promtool, which is in the package prometheus)"),
  ignore: !promtool,
  async fn() {
    for (const text of [textOf(LISTENERS), textOf([])]) {
      const child = new Deno.Command("promtool", {
        args: ["check", "metrics"],
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(text));
      await writer.close();
      const { code, stdout, stderr } = await child.output();
      const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
      assertEquals([code, said], [0, ""]);
    }
  },
});

async function hasPromtool(): Promise<boolean> {
  try {
    const args = ["--version"];
    return (await new Deno.Command("promtool", { args, stdout: "null", stderr: "null" }).output())
      .success;
  } catch {
    return false;
  }
}
