import { LISTENER, type Panel, PROGRAM, ROWS, STATES } from "./grafana_panels.ts";

const SOURCE = { type: "prometheus", uid: "${datasource}" };

/** The dashboard for Grafana, as it is imported. */
export function grafanaDashboard(): Record<string, unknown> {
  let id = 0;
  let y = 0;
  const panels: Record<string, unknown>[] = [];
  for (const [title, all] of ROWS) {
    const row = { type: "row", title, collapsed: false, panels: [] };
    panels.push({ id: ++id, ...row, gridPos: at(0, y++, 24, 1) });
    let x = 0;
    const height = title === "Now" ? 4 : 8;
    for (const panel of all) {
      if (x + panel.width > 24) [x, y] = [0, y + height];
      panels.push({ id: ++id, ...drawn(panel), gridPos: at(x, y, panel.width, height) });
      x += panel.width;
    }
    y += height;
  }
  return {
    uid: "iawlb",
    title: "iawlb",
    description: "A queue in front of your servers: who waits, who serves, who is down.",
    tags: ["iawlb", "load balancer"],
    schemaVersion: 39,
    editable: true,
    graphTooltip: 1,
    refresh: "10s",
    time: { from: "now-1h", to: "now" },
    templating: { list: VARIABLES },
    annotations: {
      list: [annotation("Starts", `iawlb_start_time_seconds{${PROGRAM}} * 1000`)],
    },
    panels,
  };
}

const VARIABLES = [
  { name: "datasource", label: "Data source", type: "datasource", query: "prometheus" },
  variable("job", "label_values(iawlb_info, job)"),
  variable("instance", 'label_values(iawlb_info{job=~"$job"}, instance)'),
  variable("listener", `label_values(iawlb_sessions_waiting{${PROGRAM}}, listener)`),
  variable("destination", `label_values(iawlb_destination_up{${LISTENER}}, destination)`),
];

function variable(name: string, query: string): Record<string, unknown> {
  return {
    name,
    type: "query",
    datasource: SOURCE,
    query: { query, refId: name },
    refresh: 2,
    sort: 1,
    includeAll: true,
    allValue: ".+",
    multi: true,
    current: { text: "All", value: "$__all" },
  };
}

/** Marks at the times, in milliseconds, that an expression gives. */
function annotation(name: string, expr: string): Record<string, unknown> {
  return {
    name,
    datasource: SOURCE,
    enable: true,
    expr,
    useValueForTime: true,
    iconColor: "purple",
    titleFormat: name,
    textFormat: "{{instance}}",
  };
}

function at(x: number, y: number, w: number, h: number): Record<string, number> {
  return { x, y, w, h };
}

/** A panel as Grafana has it. */
function drawn(panel: Panel): Record<string, unknown> {
  const { title, type, description, unit = "short", queries, limits, stacked, columns } = panel;
  const steps = [{ color: "green", value: null as number | null }];
  if (limits) steps.push({ color: "orange", value: limits[0] }, { color: "red", value: limits[1] });
  const mappings = type === "state-timeline" ? [STATE_NAMES] : [];
  const custom = type === "timeseries"
    ? {
      lineWidth: 1,
      fillOpacity: stacked ? 40 : 8,
      stacking: { mode: stacked ? "normal" : "none" },
    }
    : {};
  return {
    title,
    type,
    ...(description && { description }),
    datasource: SOURCE,
    fieldConfig: {
      defaults: { unit, min: 0, custom, mappings, thresholds: { mode: "absolute", steps } },
      overrides: Object.entries(columns ?? {}).map(([letter, { title, unit }]) => ({
        matcher: { id: "byName", options: `Value #${letter}` },
        properties: [
          { id: "displayName", value: title },
          ...(unit ? [{ id: "unit", value: unit }] : []),
        ],
      })),
    },
    options: OPTIONS[type],
    ...(type === "table" && {
      transformations: [
        { id: "merge", options: {} },
        { id: "organize", options: { excludeByName: { Time: true } } },
      ],
    }),
    targets: queries.map(({ expr, legend }, i) => ({
      refId: String.fromCharCode(65 + i),
      datasource: SOURCE,
      expr,
      legendFormat: legend,
      ...(type === "table" && { format: "table", instant: true }),
    })),
  };
}

/** What the numbers mean. */
const STATE_NAMES = {
  type: "value",
  options: Object.fromEntries(
    Object.entries(STATES).map(([text, color], i) => [i, { text, color, index: i }]),
  ),
};

const OPTIONS: Readonly<Record<Panel["type"], unknown>> = {
  "timeseries": {
    legend: { displayMode: "list", placement: "bottom" },
    tooltip: { mode: "multi", sort: "desc" },
  },
  "stat": { colorMode: "value", graphMode: "area", reduceOptions: { calcs: ["lastNotNull"] } },
  "table": { showHeader: true },
  "state-timeline": { mergeValues: true, showValue: "never", rowHeight: 0.8, perPage: 20 },
};

if (import.meta.main) {
  const path = new URL("../../packaging/grafana/iawlb.json", import.meta.url);
  await Deno.mkdir(new URL(".", path), { recursive: true });
  await Deno.writeTextFile(path, JSON.stringify(grafanaDashboard(), null, 2) + "\n");
}
