import type { DestinationStatus } from "../../src/operations/destination_status.ts";
import type { SessionInfo } from "../../src/operations/operations.ts";
import type { Server } from "./page_listener.ts";
import { liveSession } from "./fake_operations.ts";

/** So many servers with long names that are alike, some with a trouble, by number from 1. */
export function manyServers(
  number: number,
  troubles: Record<number, Partial<DestinationStatus>> = {},
): Server[] {
  return Array.from({ length: number }, (_, i) => ({
    name: `checkout-eu-west-1${"abc"[i % 3]}-${String(i + 1).padStart(3, "0")}.shop.internal:9000`,
    slots: 4 + 4 * (i % 3),
    ms: 110 + 20 * (i % 7),
    status: troubles[i + 1] ?? {},
  }));
}

/** So many live sessions, the oldest first: most are relayed, the last fifth waits. */
export function sessionsOf(number: number): SessionInfo[] {
  const serving = Math.ceil(number * 0.8);
  return Array.from({ length: number }, (_, i) => {
    const waits = i >= serving;
    return liveSession(`1.${184_211 + i}`, {
      listener: "shop",
      client: `198.51.100.${10 + i}:${41_000 + 7 * i}`,
      destination: waits ? null : `db${1 + i % 3}`,
      stage: waits ? "waiting" : "relaying",
      place: waits ? i - serving + 1 : null,
      age_ms: 95_000 - 3_100 * i,
      bytes_up: waits ? 0 : 1_300 * (number - i),
      bytes_down: waits ? 0 : 48_000 * (number - i),
      attempts: waits ? 0 : 1,
    });
  });
}
