import type { InspectionSource, InspectionWish } from "../operations/inspection.ts";
import { OperationError, type Status } from "../operations/operations.ts";
import type { ListenerSet } from "./listener_set.ts";
import type { ManagedListener } from "./managed_listener.ts";

/**
 * Begins to note what moves in sessions, at every listener that may have some of them.
 *
 * @throws {OperationError} If there is no such session, listener or destination.
 */
export async function inspect(
  wish: InspectionWish,
  { listeners, status }: {
    listeners: Pick<ListenerSet, "all" | "locate" | "find">;
    status(): Promise<Status>;
  },
): Promise<InspectionSource[]> {
  const { sessions, listener, client } = wish;
  const numbers = new Map<ManagedListener, number[]>();
  for (const id of sessions) {
    const { listener, number } = listeners.locate("session", id);
    numbers.set(listener, [...numbers.get(listener) ?? [], number]);
  }
  const destination = wish.destination && meantBy(wish.destination, await status());
  const termed = listener !== undefined || destination !== undefined || client !== undefined;
  const only = listener === undefined ? undefined : listeners.find(listener);
  const concerned = listeners.all.filter((one) => {
    return numbers.has(one) || (termed && (only === undefined || one === only));
  });
  const begun = await Promise.allSettled(concerned.map(async (one) => {
    const others = termed && (only === undefined || one === only);
    const wanted = numbers.get(one) ?? [];
    const sources = await one.balancer.inspect({ sessions: wanted, others, destination, client });
    const found = sources.flatMap(({ found }) => found);
    const missing = wanted.find((number) => !found.includes(number));
    return { sources, missing: missing === undefined ? undefined : `${one.id}.${missing}` };
  }));
  const done = begun.filter((one) => one.status === "fulfilled").map(({ value }) => value);
  const failed = begun.find((one) => one.status === "rejected");
  const sources = done.flatMap(({ sources }) => sources);
  const missing = done.find(({ missing }) => missing !== undefined)?.missing;
  if (!failed && missing === undefined) return sources;
  for (const source of sources) source.end();
  throw failed?.reason ?? new OperationError("missing", `there is no session ${missing}`);
}

/**
 * By what a destination, or a name with its records, is found at each connect.
 *
 * @throws {OperationError} If no listener has it.
 */
function meantBy(wanted: string, { listeners }: Status): string {
  const isWanted = ({ id, name }: { id: string; name: string }) => id === wanted || name === wanted;
  if (listeners.some(({ destinations }) => destinations.some(isWanted))) return wanted;
  const name = listeners.flatMap(({ names }) => names).find(isWanted)?.name;
  if (name !== undefined) return name;
  throw new OperationError("invalid", `destination ${JSON.stringify(wanted)}: there is none`);
}
