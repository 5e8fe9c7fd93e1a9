import { END_REASONS, type Ended } from "./end_reasons.ts";
import { objectSchema, type Schema } from "./field.ts";

/** How far back "recent" looks, in milliseconds. */
export const RECENT_MS = 300_000;

/** How far back the rate of what is recent looks, in milliseconds. */
export const RECENT_RATE_MS = 10_000;

/** What happened lately at a destination: in the last five minutes, but for the rate. */
export interface RecentOfDestination {
  /** Sessions a second that were connected to it, by the last 10 s. */
  sessions_per_s: number;
  /** Connects, probes and checks that failed. */
  failures: number;
  /** How long its sessions took; `null` if none has ended. */
  session_p50_ms: number | null;
  session_p99_ms: number | null;
}

/** What happened lately at a listener. */
export interface RecentOfListener {
  /** Sessions that ended in the last five minutes, by reason; reasons that did not occur are absent. */
  ended: Ended;
}

const WHERE_KEPT = "null where no history is kept, see GET /history";
const duration: Schema = { type: ["number", "null"], minimum: 0 };

/** The schema of {@linkcode RecentOfDestination}, or of nothing. */
export const RECENT_OF_DESTINATION: Schema = {
  description: `what happened in the last five minutes; ${WHERE_KEPT}`,
  anyOf: [
    { type: "null" },
    objectSchema({
      sessions_per_s: {
        type: "number",
        minimum: 0,
        description: "sessions a second that were connected to it, by the last 10 s",
      },
      failures: {
        type: "integer",
        minimum: 0,
        description: "connects, probes and checks that failed",
      },
      session_p50_ms: {
        ...duration,
        description: "how long half of its sessions took at most; null if none has ended",
      },
      session_p99_ms: { ...duration, description: "the same of 99 in 100" },
    }),
  ],
};

/** The schema of {@linkcode RecentOfListener}, or of nothing. */
export const RECENT_OF_LISTENER: Schema = {
  description: `what happened in the last five minutes; ${WHERE_KEPT}`,
  anyOf: [
    { type: "null" },
    objectSchema({
      ended: {
        type: "object",
        description: "sessions that ended, by reason",
        propertyNames: { enum: Object.keys(END_REASONS) },
        additionalProperties: { type: "integer", minimum: 0 },
      },
    }),
  ],
};
