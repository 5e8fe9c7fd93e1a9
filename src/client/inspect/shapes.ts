import type { InspectionRecord } from "../../operations/inspection.ts";

type Test = (value: unknown) => boolean;

const text: Test = (value) => typeof value === "string" && value.length <= 1000;
const amount: Test = (value) => typeof value === "number" && Number.isFinite(value) && value >= 0;
const maybeText: Test = (value) => value === null || text(value);
const direction: Test = (value) => value === "up" || value === "down";
const bytes: Test = (value) => value instanceof Uint8Array;

const both = { session: text, time_us: amount };

/** What each kind of event must have; a later version may tell more. */
const KINDS: Readonly<Record<string, Readonly<Record<string, Test>>>> = {
  session: {
    ...both,
    ...{ listener: text, client: text, local: text, destination: maybeText, tls: maybeText },
    transport: (value) => value === "tcp" || value === "udp" || value === "unix",
    ...{ age_ms: amount, bytes_up: amount, bytes_down: amount },
  },
  bytes: { ...both, direction, offset: amount, bytes },
  end: { ...both, direction },
  over: { ...both, reason: text, bytes_up: amount, bytes_down: amount },
  lost: { time_us: amount, lost_bytes: amount, lost_sessions: amount },
};

/** Whether what came from outside is something that happened in a session. */
export function isRecord(
  value: Record<string, unknown>,
): value is Record<string, unknown> & InspectionRecord {
  const members = KINDS[String(value.kind)];
  return members !== undefined &&
    Object.entries(members).every(([name, test]) => test(value[name]));
}
