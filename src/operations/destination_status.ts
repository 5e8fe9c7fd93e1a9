import { field, flag, join, number, type OwnPoint, type StatusOf, text } from "./field.ts";
import {
  ageOfAll,
  CHECK_SCHEMA,
  type CheckSeen,
  ERROR_SCHEMA,
  type ErrorSeen,
  latest,
} from "./destination_facts.ts";
import { LIMIT_REASONS, type LimitReason } from "./limit_reasons.ts";
import { addLatencies, type Latencies } from "./latencies.ts";
import { RECENT_OF_DESTINATION, type RecentOfDestination } from "./recent.ts";
import {
  ADMIN_STATES,
  type AdminState,
  joinStates,
  SHOWN_STATES,
  type ShownState,
} from "./states.ts";

const BYTES = { name: "bytes", kind: "counter", unit: "By" } as const;
const BYTES_HELP = "Bytes relayed, up from clients to the destination and down back.";

/** One destination: every field with its type, schema, sum over threads and metrics. */
export const DESTINATION_FIELDS = {
  id: field<string>({
    type: "string",
    pattern: "^\\d+\\.\\d+$",
    description: "LISTENER.DESTINATION, two numbers; stays the same as long as it is there",
  }),
  name: text("what it is called: its name, or its address as configured"),
  address: text("its address as configured"),
  source: text(
    "what the name is called of which it is a record (dns:, srv:); empty if it is configured itself",
  ),
  state: field<ShownState>({ enum: SHOWN_STATES }, {
    join: joinStates,
    metrics: [{
      name: "up",
      kind: "gauge",
      unit: "1",
      help: "1 if it was reached and takes sessions, otherwise 0.",
      value: (state) => state === "up" ? 1 : 0,
    }, {
      name: "state",
      kind: "gauge",
      unit: "1",
      help: "1 for the state that it is in, 0 for the others.",
      value: (now) => SHOWN_STATES.map((state): OwnPoint => [state === now ? 1 : 0, { state }]),
    }],
  }),
  state_age_ms: number({
    help: "for how long it has been in this state",
    fraction: true,
    join: ([first]) => first!,
  }),
  last_error: field<ErrorSeen | null>(ERROR_SCHEMA, { join: latest }),
  last_check: field<CheckSeen | null>(CHECK_SCHEMA, {
    join: latest,
    metrics: [{
      name: "check.duration",
      kind: "gauge",
      unit: "s",
      help: "How long its latest check took, or the latest probe of one that is not up.",
      value: (check) => check ? check.took_ms / 1000 : [],
    }],
  }),
  admin: field<AdminState>({ enum: ADMIN_STATES, description: "what the operator wants of it" }),
  leaving: flag("whether it was removed and only finishes its sessions"),
  limit: number({
    help: "most concurrent sessions",
    metric: { name: "limit", kind: "gauge", unit: "{session}" },
  }),
  limit_reason: field<LimitReason>({
    enum: LIMIT_REASONS,
    description: "why the limit is what it is: configured, or what made workers=auto change it",
  }, {
    metrics: [{
      name: "limit_reason",
      kind: "gauge",
      unit: "1",
      help: "1 for the reason why the limit is what it is, 0 for the others.",
      value: (now) => LIMIT_REASONS.map((reason): OwnPoint => [reason === now ? 1 : 0, { reason }]),
    }],
  }),
  limit_changes: number({
    help: "times that workers=auto has found another limit",
    metric: { name: "limit_changes", kind: "counter", unit: "{change}" },
  }),
  weight: number({
    help: "share of the sessions",
    join: ([first]) => first!,
    fraction: true,
    metric: { name: "weight", kind: "gauge", unit: "1" },
  }),
  backup: flag("whether it serves only while no other destination is up"),
  tier: number({
    help: "0, or of which tier it is as a backup, the lowest of which serves first",
    join: ([first]) => first!,
    metric: {
      name: "tier",
      kind: "gauge",
      unit: "1",
      help: "0, or 1 and more for a backup; those of the lowest one that is up serve.",
    },
  }),
  check: text("how it is checked, as the option is written"),
  sni: text("the names that its clients ask for; empty if it serves all others"),
  alpn: text("the protocols that its clients offer; empty if it serves all others"),
  send_proxy: text("which PROXY header it gets: off, v1 or v2"),
  tls: text("off; verified: over TLS, its certificate is verified; insecure: it is not"),
  tls_name: text("the name that its certificate has to be for; empty without TLS"),
  tls_unfinished: number({
    help: "TLS connections that were given up half-way and that its server has not let go",
    metric: { name: "tls_unfinished", kind: "gauge", unit: "{connection}" },
  }),
  agent_check: text("where its server says how much it can take, as the option is written"),
  agent: text("what its server says: the latest words of each kind; empty as long as it has not"),
  workers: number({
    help: "workers that exist",
    metric: { name: "workers", kind: "gauge", unit: "{worker}" },
  }),
  active: number({
    help: "sessions that it serves",
    metric: { name: "active", kind: "gauge", unit: "{session}" },
  }),
  sessions: number({
    help: "sessions that were connected to it",
    metric: { name: "sessions", kind: "counter", unit: "{session}" },
  }),
  failures: number({
    help: "connects, probes and checks that failed",
    metric: { name: "failures", kind: "counter", unit: "{failure}" },
  }),
  lookup_failures: number({
    help: "look-ups of its name that failed",
    metric: { name: "lookup_failures", kind: "counter", unit: "{failure}" },
  }),
  agent_failures: number({
    help: "times that its agent was asked and said nothing that can be understood",
    metric: { name: "agent_failures", kind: "counter", unit: "{failure}" },
  }),
  bytes_up: number({
    help: "bytes from clients to it",
    metric: { ...BYTES, help: BYTES_HELP, value: (bytes) => [[bytes, { direction: "up" }]] },
  }),
  bytes_down: number({
    help: "bytes from it to clients",
    metric: { ...BYTES, help: BYTES_HELP, value: (bytes) => [[bytes, { direction: "down" }]] },
  }),
  recent: field<RecentOfDestination | null>(RECENT_OF_DESTINATION, { join: () => null }),
  latencies: field<Latencies>({ $ref: "#/components/schemas/Latencies" }, { join: addLatencies }),
};

/** One destination. Times are milliseconds, numbers count from the start. */
export type DestinationStatus = StatusOf<typeof DESTINATION_FIELDS>;

/** Several statuses of one destination as one; there is at least one. */
export function addDestinations(all: readonly DestinationStatus[]): DestinationStatus {
  const joined = join(DESTINATION_FIELDS, all);
  return { ...joined, state_age_ms: ageOfAll(all, joined.state) };
}
