import { DATAGRAM_FIELDS } from "./datagram_status.ts";
import { addDestinations, type DestinationStatus } from "./destination_status.ts";
import { type ChildStatus, joinChildren } from "./child_status.ts";
import { addEnded, END_REASONS, type Ended, type EndReason } from "./end_reasons.ts";
import { field, join, number, type OwnPoint, type StatusOf, text } from "./field.ts";
import { addForecasts, type Forecast, pointOf } from "./forecast.ts";
import { addLatencies, type Latencies } from "./latencies.ts";
import { joinNames, type NameStatus, pointsOf } from "./name_status.ts";
import { RECENT_OF_LISTENER, type RecentOfListener } from "./recent.ts";
import { joinRoutes, pointsOfRoutes, type RouteStatus } from "./route_status.ts";
import { LISTENER_STATES, type ListenerState, NEXT_ONES, type NextOne } from "./states.ts";
import { TLS_FIELDS } from "./tls_status.ts";

const REASONS = Object.keys(END_REASONS) as EndReason[];

const BYTES = { name: "bytes", kind: "counter", unit: "By" } as const;
const BYTES_HELP = "Bytes relayed, up from clients to destinations and down back.";

/** One listener: every field with its type, schema, sum over threads and metrics. */
export const LISTENER_FIELDS = {
  id: field<number>({ type: "integer", minimum: 0 }),
  name: text("what it is called: its name, or its address as configured"),
  address: text("what is really bound; several addresses are separated by a comma and a blank"),
  state: field<ListenerState>({ enum: LISTENER_STATES }, {
    join: (all) => all.includes("draining") ? "draining" : "running",
  }),
  balance: text("which policy chooses among destinations with a free slot, as --balance has it"),
  accepted: number({
    help: "sessions accepted, refused ones included",
    metric: {
      name: "sessions.accepted",
      kind: "counter",
      unit: "{session}",
      help: "Sessions that were accepted, refused ones included.",
    },
  }),
  greeting: number({
    help: "sessions of which it is being read what stands before the payload, a PROXY header",
    metric: { name: "sessions.greeting", kind: "gauge", unit: "{session}" },
  }),
  waiting: number({
    help: "sessions in the queue, or that wait for room in it after their greeting",
    metric: { name: "sessions.waiting", kind: "gauge", unit: "{session}" },
  }),
  waiting_clients: number({
    help: "clients in the queue, with --queue-order fair; one in several threads counts in each",
    metric: { name: "queue.clients", kind: "gauge", unit: "{client}" },
  }),
  next: field<NextOne>({
    enum: NEXT_ONES,
    description: "who of those that wait is served next: the oldest one; the newest one, with " +
      "--when-overloaded; turns = that of the client or of the class whose turn it is, with " +
      "--queue-order fair or --priority; several = they wait for several destinations, and the " +
      "oldest that may go to the first one with a free slot is next",
  }, { join: (all) => all.find((one) => one !== "oldest") ?? "oldest" }),
  oldest_waiting_ms: number({
    help: "age of the session that has waited longest, 0 if none waits",
    fraction: true,
    join: (all) => Math.max(...all),
    metric: {
      name: "queue.oldest_waiting",
      kind: "gauge",
      unit: "s",
      help:
        "Age of the session that has waited longest, 0 if none waits: the one number to alert on.",
      value: (ms) => ms / 1000,
    },
  }),
  queue: number({
    help: "most sessions that wait",
    metric: { name: "queue.limit", kind: "gauge", unit: "{session}" },
  }),
  waits_at_most_ms: number({
    help: "how long a session waits before it is ended, by its timeouts; 0 = for ever",
    join: ([first]) => first!,
    metric: {
      name: "queue.timeout",
      kind: "gauge",
      unit: "s",
      help: "How long a session waits before it is ended; absent if that is for ever.",
      value: (ms) => ms > 0 ? ms / 1000 : [],
    },
  }),
  active: number({
    help: "sessions that have a worker",
    metric: { name: "sessions.active", kind: "gauge", unit: "{session}" },
  }),
  unbound: number({
    help: "sessions whose destination with --balance hash was full until --hash-wait was over",
    metric: {
      name: "sessions.unbound",
      kind: "counter",
      unit: "{session}",
      help: "Sessions whose destination (--balance hash) was full until --hash-wait was over.",
    },
  }),
  overloaded: number({
    help:
      "whether more comes than is served, and --when-overloaded acts: 1, or 0; in threads, in how many",
    metric: { name: "queue.overloaded", kind: "gauge", unit: "1" },
  }),
  patience_ms: number({
    help: "how long clients wait before they give up, 0 if that was not seen or with hold",
    fraction: true,
    join: (all) => Math.max(...all),
    metric: {
      name: "queue.patience",
      kind: "gauge",
      unit: "s",
      help: "How long clients wait before they give up, 0 if that was not seen.",
      value: (ms) => ms / 1000,
    },
  }),
  answered: number({
    help: "clients that were sent what --reject-with says",
    metric: {
      name: "sessions.answered",
      kind: "counter",
      unit: "{session}",
      help: "Clients that were sent what --reject-with says before they were closed.",
    },
  }),
  bytes_up: number({
    help: "bytes from clients to destinations",
    metric: { ...BYTES, help: BYTES_HELP, value: (bytes) => [[bytes, { direction: "up" }]] },
  }),
  bytes_down: number({
    help: "bytes from destinations to clients",
    metric: { ...BYTES, help: BYTES_HELP, value: (bytes) => [[bytes, { direction: "down" }]] },
  }),
  ...DATAGRAM_FIELDS,
  ...TLS_FIELDS,
  ended: field<Ended>({
    type: "object",
    description: "ended sessions by reason",
    propertyNames: { enum: REASONS },
    additionalProperties: { type: "integer", minimum: 0 },
  }, {
    join: addEnded,
    metrics: [{
      name: "sessions.ended",
      kind: "counter",
      unit: "{session}",
      help: "Sessions that ended, by reason.",
      // Reasons that did not occur count 0, so that the first one that occurs is an increase.
      value: (ended) => REASONS.map((reason): OwnPoint => [ended[reason] ?? 0, { reason }]),
    }],
  }),
  recent: field<RecentOfListener | null>(RECENT_OF_LISTENER, { join: () => null }),
  forecast: field<Forecast>({ $ref: "#/components/schemas/Forecast" }, {
    join: addForecasts,
    metrics: [{
      name: "queue.expected_wait",
      kind: "gauge",
      unit: "s",
      help: "How long a client that comes now will wait; absent while nothing is known of that.",
      value: ({ expected_wait_ms }) => pointOf(expected_wait_ms, 1 / 1000),
    }, {
      name: "queue.clears_in",
      kind: "gauge",
      unit: "s",
      help: "How long until nobody waits, as things are; absent while the queue gets no shorter.",
      value: ({ clears_in_ms }) => pointOf(clears_in_ms, 1 / 1000),
    }, {
      name: "load.offered",
      kind: "gauge",
      unit: "{session}/s",
      help: "Sessions a second that come, by the latest seconds, those turned away included.",
      value: ({ offered_per_s }) => offered_per_s,
    }, {
      name: "load.capacity",
      kind: "gauge",
      unit: "{session}/s",
      help: "Sessions a second that the destinations can serve; absent while that is not known.",
      value: ({ capacity_per_s }) => pointOf(capacity_per_s),
    }],
  }),
  gave_up: number({
    help: "clients that left before they had a destination",
    metric: {
      name: "sessions.gave_up",
      kind: "counter",
      unit: "{session}",
      help: "Clients that left before they had a destination.",
    },
  }),
  latencies: field<Latencies>({ $ref: "#/components/schemas/Latencies" }, { join: addLatencies }),
  children: field<ChildStatus[]>(
    {
      type: "array",
      items: { $ref: "#/components/schemas/Child" },
      description:
        "threads and processes that share the work, each with what it has done; empty if alone",
    },
    {
      join: joinChildren,
      metrics: [{
        name: "child.accepted",
        kind: "counter",
        unit: "{session}",
        help: "Sessions that each of several threads or processes has had; absent if there is one.",
        value: (all) => all.map(({ name, accepted }): OwnPoint => [accepted, { child: name }]),
      }],
    },
  ),
  routes: field<RouteStatus[]>(
    {
      type: "array",
      items: { $ref: "#/components/schemas/Route" },
      description: "what clients have asked for in their hello (sni=, alpn=), as configured",
    },
    {
      join: joinRoutes,
      metrics: [{
        name: "route.sessions",
        kind: "counter",
        unit: "{session}",
        help: "Sessions that have asked for a configured name and protocol (sni=, alpn=).",
        value: (routes) => pointsOfRoutes(routes, ({ sessions }) => sessions),
      }, {
        name: "route.waiting",
        kind: "gauge",
        unit: "{session}",
        help: "Sessions that wait for a configured name and protocol (sni=, alpn=).",
        value: (routes) => pointsOfRoutes(routes, ({ waiting }) => waiting),
      }],
    },
  ),
  names: field<NameStatus[]>(
    { type: "array", items: { $ref: "#/components/schemas/Name" } },
    {
      join: joinNames,
      metrics: [{
        name: "name.records",
        kind: "gauge",
        unit: "{destination}",
        help: "Destinations that a name leads to (dns:, srv:).",
        value: (names) => pointsOf(names, ({ records }) => records),
      }, {
        name: "name.lookup_failures",
        kind: "counter",
        unit: "{failure}",
        help: "Look-ups of a name (dns:, srv:) that failed, or only partly succeeded.",
        value: (names) => pointsOf(names, ({ failures }) => failures),
      }, {
        name: "name.age",
        kind: "gauge",
        unit: "s",
        help: "How long ago a name (dns:, srv:) was last answered; absent until it was.",
        value: (names) => {
          return pointsOf(names, ({ age_ms }) => age_ms === null ? undefined : age_ms / 1000);
        },
      }],
    },
  ),
  destinations: field<DestinationStatus[]>(
    { type: "array", items: { $ref: "#/components/schemas/Destination" } },
    {
      join(all) {
        const byId = Map.groupBy(all.flat(), ({ id }) => id);
        return [...byId.values()].map(addDestinations);
      },
    },
  ),
};

/** One listener with everything that belongs to it. */
export type ListenerStatus = StatusOf<typeof LISTENER_FIELDS>;

/** The statuses of several threads of one listener as one; there is at least one. */
export function addStatuses(all: readonly ListenerStatus[]): ListenerStatus {
  return join(LISTENER_FIELDS, all);
}
