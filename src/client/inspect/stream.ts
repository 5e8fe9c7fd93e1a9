import { FatalError } from "../../base/errors.ts";
import { after } from "../../base/timer.ts";
import type { InspectionRecord, InspectionWish } from "../../operations/inspection.ts";
import { type AdminClient, ForeignError } from "../admin_client.ts";
import type { ServerEvent } from "../event_stream.ts";
import { formatSpan } from "../format.ts";
import { isRecord } from "./shapes.ts";

/** The request for what chosen sessions carry. */
function pathOf({ sessions, ...terms }: InspectionWish): string {
  const query = new URLSearchParams(sessions.map((id) => ["session", id]));
  for (const [name, value] of Object.entries(terms)) {
    if (value !== undefined) query.set(name, value);
  }
  return `/bytes?${query}`;
}

/**
 * What chosen sessions carry, until nothing more comes or the signal is aborted.
 *
 * @throws {FatalError} If it is refused, nothing comes for long, or the connection is lost before.
 */
export async function* inspected(
  client: AdminClient,
  wish: InspectionWish,
  signal: AbortSignal,
): AsyncGenerator<InspectionRecord, void> {
  const late = new AbortController();
  const watch = () => after(client.patience, () => late.abort());
  let timer = watch();
  try {
    for await (const event of client.events(AbortSignal.any([signal, late.signal]), pathOf(wish))) {
      timer.stop();
      if (event.type === "done") return;
      const record = event.type === "alive" ? undefined : readRecord(event);
      if (record) yield record;
      timer = watch();
      if (record === null) {
        throw new ForeignError(`${client.name}: an event of its /bytes is not what iawlb tells`);
      }
    }
  } finally {
    timer.stop();
  }
  if (signal.aborted) return;
  const how = late.signal.aborted
    ? `has told nothing for ${formatSpan(client.patience)}`
    : "has ended the connection";
  throw new FatalError(`${client.name} ${how}`);
}

/** What an event tells; `null` if it is nothing that there is. */
function readRecord({ type: kind, data }: ServerEvent): InspectionRecord | null {
  try {
    const told = JSON.parse(data);
    const record = { ...told, kind };
    if (kind === "bytes") record.bytes = Uint8Array.fromBase64(told.bytes);
    return isRecord(record) ? record : null;
  } catch {
    return null;
  }
}
