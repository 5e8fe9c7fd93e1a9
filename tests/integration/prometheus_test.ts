import { assert, assertEquals } from "@std/assert";
import { grafanaDashboard } from "../../scripts/packaging/grafana.ts";
import { END_REASONS } from "../../src/operations/end_reasons.ts";
import { TestFile } from "../support/config_file.ts";
import { find } from "../support/packaged_servers.ts";
import { Program } from "../support/program.ts";
import { Prometheus } from "../support/prometheus.ts";
import { freePort, request, until } from "../support/servers.ts";
import { TlsFiles } from "../support/tls_files.ts";
import { unless } from "../support/unless.ts";

const PACKAGING = new URL("../../packaging/", import.meta.url).pathname;
const RULES = `${PACKAGING}prometheus/iawlb.rules.yml`;
const promtool = { "there is no promtool, which is in the package prometheus": !find("promtool") };

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { query: string | { query: string } }[] };
  readonly annotations: { readonly list: readonly { expr: string }[] };
}

const dashboard = JSON.parse(
  await Deno.readTextFile(`${PACKAGING}grafana/iawlb.json`),
) as Dashboard;

Deno.test("the dashboard for Grafana is the one of the sources: deno task docs writes it", () => {
  assertEquals<unknown>(dashboard, JSON.parse(JSON.stringify(grafanaDashboard())));
  const places = (grafanaDashboard().panels as { gridPos: Record<"x" | "y" | "w" | "h", number> }[])
    .map(({ gridPos }) => gridPos);
  for (const [i, a] of places.entries()) {
    assert(a.x + a.w <= 24);
    for (const b of places.slice(i + 1)) {
      const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
      assert(apart, JSON.stringify([a, b]));
    }
  }
});

Deno.test("the rules and the dashboard name end reasons that there are", async () => {
  const texts = [await Deno.readTextFile(RULES), JSON.stringify(dashboard)];
  const named = texts.flatMap((text) => [...text.matchAll(/reason!?[=~]+\\?"([a-z|-]+)\\?"/g)])
    .flatMap(([, words]) => words!.split("|"));
  assert(named.length > 10);
  for (const reason of named) assert(reason in END_REASONS, reason);
});

Deno.test({
  ...unless("promtool finds nothing wrong in the rules", promtool),
  fn: async () => {
    const { code, said } = await runPromtool(["check", "rules", RULES]);
    assertEquals(code, 0, said);
  },
});

/** The metrics that make each alert fire, as promtool writes series, and when it has, in minutes. */
const FIRES: Readonly<Record<string, { at: number; series: Readonly<Record<string, string>> }>> = {
  IawlbAbsent: { at: 3, series: { 'up{job="iawlb"}': "0x10" } },
  IawlbNoDestinationUp: {
    at: 3,
    series: {
      'iawlb_destination_up{destination="a"}': "0x10",
      'iawlb_destination_up{destination="b"}': "0x10",
    },
  },
  IawlbOnlyBackupsServe: {
    at: 3,
    series: {
      'iawlb_destination_up{destination="a"}': "0x10",
      'iawlb_destination_tier{destination="a"}': "0x10",
      'iawlb_destination_up{destination="b"}': "1x10",
      'iawlb_destination_tier{destination="b"}': "1x10",
    },
  },
  IawlbQueueVeryOld: {
    at: 3,
    series: { iawlb_queue_oldest_waiting_seconds: "24x10", iawlb_queue_timeout_seconds: "30x10" },
  },
  IawlbQueueOld: { at: 3, series: { iawlb_queue_oldest_waiting_seconds: "11x10" } },
  IawlbQueueNearlyFull: {
    at: 3,
    series: { iawlb_sessions_waiting: "95x10", iawlb_queue_limit: "100x10" },
  },
  IawlbSlotsFull: {
    at: 15,
    series: {
      'iawlb_destination_active{destination="a"}': "4x30",
      'iawlb_destination_limit{destination="a"}': "4x30",
      'iawlb_destination_up{destination="a"}': "1x30",
      'iawlb_destination_tier{destination="a"}': "0x30",
      'iawlb_destination_active{destination="b"}': "0x30",
      'iawlb_destination_limit{destination="b"}': "4x30",
      'iawlb_destination_up{destination="b"}': "1x30",
      'iawlb_destination_tier{destination="b"}': "1x30",
    },
  },
  IawlbOverloaded: {
    at: 8,
    series: {
      iawlb_load_offered: "20x10",
      iawlb_load_capacity: "10x10",
      iawlb_sessions_waiting: "5x10",
    },
  },
  IawlbDestinationDown: { at: 3, series: { 'iawlb_destination_state{state="down"}': "1x10" } },
  IawlbDestinationFlaps: { at: 9, series: { iawlb_destination_up: "1 0 1 0 1 0 1 0 1 0" } },
  IawlbSessionsUnserved: {
    at: 14,
    series: {
      'iawlb_sessions_ended_total{reason="queue-timeout"}': "0+3x20",
      'iawlb_sessions_ended_total{reason="done"}': "0+20x20",
      iawlb_sessions_accepted_total: "0+23x20",
    },
  },
  IawlbClientsGiveUp: {
    at: 14,
    series: { iawlb_sessions_gave_up_total: "0+3x20", iawlb_sessions_accepted_total: "0+20x20" },
  },
  IawlbServersFail: {
    at: 14,
    series: {
      'iawlb_sessions_ended_total{reason="server-reset"}': "0+3x20",
      iawlb_sessions_accepted_total: "0+20x20",
    },
  },
  IawlbDefect: { at: 5, series: { 'iawlb_sessions_ended_total{reason="error"}': "0 0 1x10" } },
  IawlbCertificateExpires: {
    at: 1,
    series: { iawlb_tls_certificate_expires_in_seconds: "1000000x5" },
  },
  IawlbCertificateExpiresSoon: {
    at: 1,
    series: { iawlb_tls_certificate_expires_in_seconds: "-5x5" },
  },
  IawlbNameNotAnswered: { at: 1, series: { iawlb_name_age_seconds: "700x5" } },
  IawlbAgentSilent: { at: 12, series: { iawlb_destination_agent_failures_total: "0+2x20" } },
  IawlbLogLinesLost: { at: 4, series: { 'iawlb_log_lines_lost_total{log="access"}': "0 0 3x10" } },
  IawlbDrainsForLong: { at: 20, series: { iawlb_draining: "1x30" } },
  IawlbRestarts: { at: 8, series: { iawlb_start_time_seconds: "1 1 2 3 4 4 4 4 4" } },
};

Deno.test({
  ...unless("each alert fires when it should, and none while all is well", promtool),
  fn: async () => {
    const rules = [...(await Deno.readTextFile(RULES)).matchAll(/^ +- alert: (\w+)$/gm)];
    assertEquals(rules.map(([, name]) => name!), Object.keys(FIRES));
    const tests = Object.entries(FIRES).map(([alert, { at, series }]) => ({
      interval: "1m",
      input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
      promql_expr_test: [{
        expr: `count(ALERTS{alertname="${alert}",alertstate="firing"})`,
        eval_time: `${at}m`,
        exp_samples: [{ labels: "{}", value: 1 }],
      }],
    }));
    const well = {
      interval: "1m",
      input_series: Object.entries(WELL).map(([name, values]) => ({ series: name, values })),
      promql_expr_test: ["9m", "14m", "30m"].map((time) => {
        return { expr: "ALERTS", eval_time: time, exp_samples: [] };
      }),
    };
    const file = await Deno.makeTempFile({ suffix: ".yml" });
    await Deno.writeTextFile(
      file,
      JSON.stringify({ rule_files: [RULES], tests: [...tests, well] }),
    );
    const { code, said } = await runPromtool(["test", "rules", file]);
    await Deno.remove(file);
    assertEquals(code, 0, said);
  },
});

/**
 * A program that serves, some of whose clients leave: one destination is taken out and back by hand,
 * another is a backup, and a listener with next to no clients has one that is not served.
 */
const WELL: Readonly<Record<string, string>> = {
  'up{job="iawlb"}': "1x40",
  'iawlb_destination_up{destination="a"}': "1x40",
  'iawlb_destination_up{destination="b"}': "1 0 1 0 1 0 1 0 1x40",
  'iawlb_destination_state{destination="b",state="maint"}': "0 1 0 1 0 1 0 1 0x40",
  'iawlb_destination_state{destination="a",state="down"}': "0x40",
  'iawlb_destination_tier{destination="a"}': "0x40",
  'iawlb_destination_tier{destination="b"}': "0x40",
  'iawlb_destination_tier{destination="c"}': "1x40",
  'iawlb_destination_up{destination="c"}': "1x40",
  'iawlb_destination_active{destination="a"}': "3x40",
  'iawlb_destination_limit{destination="a"}': "4x40",
  // It finishes what it had: that is beside the slots.
  'iawlb_destination_active{destination="b"}': "4x40",
  'iawlb_destination_limit{destination="b"}': "4x40",
  iawlb_queue_oldest_waiting_seconds: "0.5x40",
  iawlb_queue_timeout_seconds: "30x40",
  iawlb_sessions_waiting: "3x40",
  iawlb_queue_limit: "1024x40",
  iawlb_load_offered: "8x40",
  iawlb_load_capacity: "10x40",
  iawlb_sessions_accepted_total: "0+1000x40",
  iawlb_sessions_gave_up_total: "0+1x40",
  'iawlb_sessions_ended_total{reason="done"}': "0+999x40",
  'iawlb_sessions_ended_total{reason="queue-timeout"}': "5x40",
  'iawlb_sessions_ended_total{reason="error"}': "0x40",
  'iawlb_sessions_accepted_total{listener="quiet"}': "0x10 1x30",
  'iawlb_sessions_ended_total{listener="quiet",reason="queue-timeout"}': "0x10 1x30",
  iawlb_tls_certificate_expires_in_seconds: "5000000x40",
  iawlb_name_age_seconds: "5x40",
  'iawlb_log_lines_lost_total{log="access"}': "0x40",
  iawlb_draining: "0x40",
  iawlb_start_time_seconds: "1700000000x40",
};

/** What there is nothing of in a short time. */
const MAY_BE_UNKNOWN = /^iawlb_(load_capacity|queue_expected_wait)/;

Deno.test({
  ...unless("every query of the dashboard and of the rules says something of the real program", {
    "there is no prometheus": !Prometheus.isPossible,
    "there is no openssl": !TlsFiles.isPossible,
  }),
  fn: async () => {
    using tls = new TlsFiles();
    tls.make("web");
    const [web, dead, secure] = [freePort(), freePort(), freePort()];
    using file = new TestFile(`
      admin = "127.0.0.1:0"
      check-interval = "200ms"
      [[listener]]
      listen = "127.0.0.1:${web}"
      destinations = ["service:http,name=http", "dns:localhost:${freePort()},backup"]
      [[listener]]
      listen = "127.0.0.1:${dead}"
      queue-timeout = "300ms"
      destinations = ["127.0.0.1:${freePort()},check=tcp"]
      [[listener]]
      listen = "127.0.0.1:${secure}"
      destinations = ["service:echo,name=echo"]
      tls-cert = ${JSON.stringify(tls.cert("web"))}
      tls-key = ${JSON.stringify(tls.key("web"))}
    `);
    await using program = await Program.spawn(["--config", file.path]);
    const [, target] = /on (127\.0\.0\.1:\d+)/.exec(await program.logged(/admin API on /))!;
    await using prometheus = await Prometheus.start({ target: target!, rules: RULES });
    let over = false;
    const clients = [web, dead].map(async (port) => {
      while (!over) await request(port, "GET / HTTP/1.0\r\n\r\n").catch(() => {});
    });
    try {
      await until(async () => {
        const asked = 'rate(iawlb_sessions_ended_total{reason="queue-timeout"}[3s]) > 0';
        return (await prometheus.query(asked)).length > 0;
      }, "Prometheus has seen sessions end");
      let silent = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
        .filter((expr) => !MAY_BE_UNKNOWN.test(expr));
      // Where much is going on Prometheus may miss an answer, and has nothing for a moment.
      await until(async () => {
        const answers = await Promise.all(silent.map((expr) => prometheus.query(plain(expr))));
        silent = silent.filter((_, i) => answers[i]!.length === 0);
        return silent.length === 0;
      }, "every query has had an answer").catch((error) => assertEquals(silent, [], String(error)));
      for (const { query } of dashboard.templating.list) {
        const [, metric, label] = typeof query === "string"
          ? []
          : /^label_values\((.*), (\w+)\)$/.exec(query.query)!;
        if (metric === undefined) continue;
        const found = await prometheus.query(`count by (${label}) (${plain(metric)})`);
        assert(found.some(({ metric }) => metric[label!]), `label ${label}: ${metric}`);
      }
      for (const { expr } of dashboard.annotations.list) await prometheus.query(plain(expr));
      const rules = await prometheus.rules();
      assertEquals(rules.length, Object.keys(FIRES).length);
      for (const { name, health, lastError } of rules) {
        assertEquals(health, "ok", `${name}: ${lastError}`);
      }
      const down = rules.find(({ name }) => name === "IawlbDestinationDown")!;
      assert(["pending", "firing"].includes(down.state!), down.state);
    } finally {
      over = true;
      await Promise.all(clients);
    }
  },
});

/** An expression with what Grafana puts in the place of its variables. */
function plain(expr: string): string {
  return expr.replaceAll("$__rate_interval", "3s").replaceAll(/"\$\w+"/g, '".*"');
}

async function runPromtool(args: readonly string[]): Promise<{ code: number; said: string }> {
  const { code, stdout, stderr } = await new Deno.Command("promtool", { args: [...args] }).output();
  const decoder = new TextDecoder();
  return { code, said: decoder.decode(stdout) + decoder.decode(stderr) };
}
