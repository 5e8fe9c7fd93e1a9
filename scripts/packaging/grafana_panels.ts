import type { ShownState } from "../../src/operations/states.ts";

/** A query of a panel; in its legend labels stand in double braces. */
export interface Query {
  readonly expr: string;
  readonly legend: string;
}

/** What is drawn, and how wide it is, of 24. */
export interface Panel {
  readonly title: string;
  readonly description?: string;
  readonly type: "timeseries" | "stat" | "table" | "state-timeline";
  readonly width: number;
  readonly unit?: string;
  readonly queries: readonly Query[];
  /** From which value on it is amber, and from which red. */
  readonly limits?: readonly [amber: number, red: number];
  /** Whether the areas stand on each other. */
  readonly stacked?: boolean;
  /** The columns of a table, by the letters of its queries. */
  readonly columns?: Readonly<Record<string, { title: string; unit?: string }>>;
}

/** Whom a query is about. */
export const LISTENER = 'job=~"$job",instance=~"$instance",listener=~"$listener"';
const DESTINATION = `${LISTENER},destination=~"$destination"`;
export const PROGRAM = 'job=~"$job",instance=~"$instance"';
const RATE = "[$__rate_interval]";

/**
 * The states by their numbers in {@linkcode STATE}, with their colours. If several programs have the
 * same destination, the first of these that one is in is shown.
 */
export const STATES: Readonly<Record<ShownState, string>> = {
  down: "red",
  suspect: "yellow",
  drain: "purple",
  maint: "gray",
  untried: "blue",
  up: "green",
};

/** The state of each destination as a number. */
const STATE = Object.keys(STATES).map((state, i) => {
  return `max by (listener, destination) (iawlb_destination_state{${DESTINATION},state="${state}"} ` +
    `== 1) * ${i}`;
}).join(" or ");

/** What those destinations have of something that get sessions now: not drained ones, not the reserve. */
function serving(name: string): string {
  const by = "on (job, instance, listener)";
  const up = `iawlb_destination_up{${LISTENER}} == 1`;
  const tier = `iawlb_destination_tier{${LISTENER}}`;
  return `(${name}{${LISTENER}} and ${up} and ${tier} == ${by} group_left () ` +
    `min by (job, instance, listener) (${tier} and ${up}))`;
}

/** Sessions that were not served, as the alerts count them. */
const UNSERVED = "queue-timeout|connect-failed|refused-overflow|refused-wait|shed|dropped";

const NOW: readonly Panel[] = [
  stat("Waiting", `sum(iawlb_sessions_waiting{${LISTENER}})`, { unit: "short" }),
  stat("Oldest wait", `max(iawlb_queue_oldest_waiting_seconds{${LISTENER}})`, {
    unit: "s",
    limits: [5, 15],
  }),
  stat(
    "Slots busy",
    `sum ${serving("iawlb_destination_active")} / sum ${serving("iawlb_destination_limit")}`,
    { unit: "percentunit", limits: [0.8, 0.95] },
  ),
  stat("Destinations down", `sum(iawlb_destination_state{${LISTENER},state="down"})`, {
    unit: "short",
    limits: [1, 2],
  }),
  stat("Arrivals", `sum(rate(iawlb_sessions_accepted_total{${LISTENER}}${RATE}))`, {
    unit: "reqps",
  }),
  stat(
    "Not served",
    `sum(rate(iawlb_sessions_ended_total{${LISTENER},reason=~"${UNSERVED}"}${RATE})) / ` +
      `(sum(rate(iawlb_sessions_accepted_total{${LISTENER}}${RATE})) > 0) or vector(0)`,
    { unit: "percentunit", limits: [0.001, 0.01] },
  ),
];

const QUEUE: readonly Panel[] = [
  lines("Waiting and in service", "short", [
    [`sum by (listener) (iawlb_sessions_waiting{${LISTENER}})`, "{{listener}} waiting"],
    [`sum by (listener) (iawlb_sessions_active{${LISTENER}})`, "{{listener}} in service"],
    [`sum by (listener) ${serving("iawlb_destination_limit")}`, "{{listener}} slots"],
  ]),
  lines("Wait in the queue", "s", [
    [quantile(0.5, "iawlb_queue_seconds_bucket", LISTENER, "listener"), "{{listener}} p50"],
    [quantile(0.99, "iawlb_queue_seconds_bucket", LISTENER, "listener"), "{{listener}} p99"],
    [`iawlb_queue_oldest_waiting_seconds{${LISTENER}}`, "{{listener}} oldest"],
    [`iawlb_queue_expected_wait_seconds{${LISTENER}}`, "{{listener}} expected"],
  ]),
  lines("Arrivals and endings", "reqps", [
    [
      `sum by (listener) (rate(iawlb_sessions_accepted_total{${LISTENER}}${RATE}))`,
      "{{listener}} arrivals",
    ],
    [
      `sum by (listener) (rate(iawlb_sessions_ended_total{${LISTENER}}${RATE}))`,
      "{{listener}} endings",
    ],
    [`iawlb_load_capacity{${LISTENER}}`, "{{listener}} capacity"],
  ]),
  lines("Bytes both ways", "Bps", [
    [
      `sum by (listener, direction) (rate(iawlb_bytes_total{${LISTENER}}${RATE}))`,
      "{{listener}} {{direction}}",
    ],
  ]),
];

const SESSIONS: readonly Panel[] = [
  {
    ...lines("Ended sessions by reason", "reqps", [
      [`sum by (reason) (rate(iawlb_sessions_ended_total{${LISTENER}}${RATE})) > 0`, "{{reason}}"],
    ]),
    stacked: true,
  },
  lines("Errors, as a share of the sessions", "percentunit", [
    [
      `sum by (reason) (rate(iawlb_sessions_ended_total{${LISTENER},reason!~"done|udp-idle"}${RATE})) ` +
      `/ on () group_left () (sum(rate(iawlb_sessions_ended_total{${LISTENER}}${RATE})) > 0) > 0`,
      "{{reason}}",
    ],
  ]),
  lines("Length of sessions", "s", [
    [quantile(0.5, "iawlb_session_seconds_bucket", LISTENER, "listener"), "{{listener}} p50"],
    [quantile(0.99, "iawlb_session_seconds_bucket", LISTENER, "listener"), "{{listener}} p99"],
  ]),
  lines("Clients that gave up, or were told to come later", "reqps", [
    [`rate(iawlb_sessions_gave_up_total{${LISTENER}}${RATE})`, "{{listener}} gave up"],
    [`rate(iawlb_sessions_answered_total{${LISTENER}}${RATE})`, "{{listener}} told"],
  ]),
];

const DESTINATIONS: readonly Panel[] = [
  {
    title: "State",
    type: "state-timeline",
    width: 12,
    description: "What each destination was like: up, down, suspect, drain, maint, untried.",
    queries: [{ expr: STATE, legend: "{{listener}} {{destination}}" }],
  },
  {
    title: "Destinations now",
    type: "table",
    width: 12,
    queries: [
      byDestination(`iawlb_destination_up{${DESTINATION}}`),
      byDestination(`iawlb_destination_active{${DESTINATION}}`),
      byDestination(`iawlb_destination_limit{${DESTINATION}}`),
      byDestination(`rate(iawlb_destination_sessions_total{${DESTINATION}}${RATE})`),
      byDestination(`increase(iawlb_destination_failures_total{${DESTINATION}}[5m])`),
      byDestination(`iawlb_destination_check_duration_seconds{${DESTINATION}}`),
    ],
    columns: {
      A: { title: "Up" },
      B: { title: "Active" },
      C: { title: "Slots" },
      D: { title: "Sessions/s", unit: "reqps" },
      E: { title: "Failures in 5 min" },
      F: { title: "Last check", unit: "s" },
    },
  },
  ofDestinations("Sessions in service", "short", `iawlb_destination_active{${DESTINATION}}`),
  ofDestinations("Sessions a second", "reqps", rate("iawlb_destination_sessions_total")),
  ofDestinations(
    "Failures (connects, probes, checks)",
    "ops",
    rate("iawlb_destination_failures_total"),
  ),
  ofDestinations(
    "Length of sessions, p99",
    "s",
    quantile(
      0.99,
      "iawlb_destination_session_seconds_bucket",
      DESTINATION,
      "listener, destination",
    ),
  ),
  ofDestinations(
    "Connects, p99",
    "s",
    quantile(
      0.99,
      "iawlb_destination_connect_seconds_bucket",
      DESTINATION,
      "listener, destination",
    ),
  ),
  ofDestinations("Latest check", "s", `iawlb_destination_check_duration_seconds{${DESTINATION}}`),
];

const ITSELF: readonly Panel[] = [
  lines("Memory", "bytes", [[`iawlb_resident_memory_bytes{${PROGRAM}}`, "{{instance}}"]], 6),
  lines("Running for", "s", [[`time() - iawlb_start_time_seconds{${PROGRAM}}`, "{{instance}}"]], 6),
  lines("Log lines lost", "ops", [[
    `rate(iawlb_log_lines_lost_total{${PROGRAM}}${RATE})`,
    "{{instance}} {{log}}",
  ]], 6),
  lines("Certificates are valid for", "s", [
    [`iawlb_tls_certificate_expires_in_seconds{${LISTENER}}`, "{{certificate}}"],
  ], 6),
];

/** What is shown, by the titles of the rows. */
export const ROWS: readonly (readonly [title: string, panels: readonly Panel[]])[] = [
  ["Now", NOW],
  ["Queue", QUEUE],
  ["Sessions", SESSIONS],
  ["Destinations", DESTINATIONS],
  ["The program", ITSELF],
];

function stat(
  title: string,
  expr: string,
  options: { unit: string; limits?: [number, number] },
): Panel {
  return { title, type: "stat", width: 4, ...options, queries: [{ expr, legend: title }] };
}

function lines(
  title: string,
  unit: string,
  queries: readonly (readonly [expr: string, legend: string])[],
  width = 12,
): Panel {
  const all = queries.map(([expr, legend]) => ({ expr, legend }));
  return { title, type: "timeseries", width, unit, queries: all };
}

function ofDestinations(title: string, unit: string, expr: string): Panel {
  return lines(title, unit, [[expr, "{{listener}} {{destination}}"]], 8);
}

function byDestination(expr: string): Query {
  return { expr: `sum by (listener, destination) (${expr})`, legend: "" };
}

function rate(name: string): string {
  return `rate(${name}{${DESTINATION}}${RATE})`;
}

function quantile(share: number, name: string, labels: string, by: string): string {
  return `histogram_quantile(${share}, sum by (${by}, le) (rate(${name}{${labels}}${RATE})))`;
}
