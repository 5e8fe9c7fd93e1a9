import { field, join, number, type OwnPoint, schemaOf, type StatusOf, text } from "./field.ts";

/** What clients ask for in their hello of TLS: one configured name with one protocol. */
export const ROUTE_FIELDS = {
  name: text("the name as configured (sni=), * for all others"),
  protocol: text("the protocol as configured (alpn=); empty for all that nobody lists"),
  sessions: number({ help: "sessions that have asked for it" }),
  waiting: number({ help: "sessions that wait for one of its destinations" }),
  live: number({ help: "sessions that are not over" }),
  expected_wait_ms: field<number | null>({
    type: ["number", "null"],
    minimum: 0,
    description: "how long a client that comes now will wait; null = not known",
  }, { join: (all) => longest(all) }),
};

/** One of these. */
export type RouteStatus = StatusOf<typeof ROUTE_FIELDS>;

/** What one is like. */
export const ROUTE_SCHEMA = schemaOf(ROUTE_FIELDS);

/** The routes of several threads as one list. */
export function joinRoutes(all: readonly (readonly RouteStatus[])[]): RouteStatus[] {
  const byKey = Map.groupBy(all.flat(), ({ name, protocol }) => `${name}\0${protocol}`);
  return [...byKey.values()].map((same) => join(ROUTE_FIELDS, same));
}

/** The values of a metric of each route. */
export function pointsOfRoutes(
  routes: readonly RouteStatus[],
  value: (route: RouteStatus) => number,
): OwnPoint[] {
  return routes.map((one) => [value(one), { name: one.name, protocol: one.protocol }]);
}

/** The longest of some waits, of which some may not be known. */
export function longest(all: readonly (number | null)[]): number | null {
  const known = all.filter((one) => one !== null);
  return known.length === 0 ? null : Math.max(...known);
}
