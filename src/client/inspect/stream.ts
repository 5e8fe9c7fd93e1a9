import { FatalError } from "../../base/errors.ts";
import type { InspectionRecord, InspectionWish } from "../../operations/inspection.ts";
import type { AdminClient } from "../admin_client.ts";
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
 * @throws {FatalError} If it is refused, or the connection is lost before.
 */
export async function* inspected(
  client: AdminClient,
  wish: InspectionWish,
  signal: AbortSignal,
): AsyncGenerator<InspectionRecord, void> {
  for await (const { type, data } of client.events(signal, pathOf(wish))) {
    if (type === "done") return;
    const record = readRecord(type, data);
    if (!record) {
      throw new FatalError(`${client.name}: an event of its /bytes is not what iawlb tells`);
    }
    yield record;
  }
  if (!signal.aborted) throw new FatalError(`${client.name} has ended the connection`);
}

function readRecord(kind: string, data: string): InspectionRecord | undefined {
  try {
    const told = JSON.parse(data);
    const record = { ...told, kind };
    if (kind === "bytes") record.bytes = Uint8Array.fromBase64(told.bytes);
    return isRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}
