import type { DestinationStatus } from "../../src/operations/destination_status.ts";
import type { Server, Site } from "./page_listener.ts";
import type { Play } from "./page_program.ts";
import { certificateOf } from "./statuses.ts";

/** What is the matter with some of forty. */
export const TROUBLES: Record<number, Partial<DestinationStatus>> = {
  11: { state: "down" },
  17: { state: "drain", admin: "drain" },
  23: { state: "suspect" },
  38: { backup: true, tier: 1 },
};

/** How sessions have ended since yesterday. */
const PAST: Site["past"] = {
  "done": 4_182_300,
  "client-gone": 38_411,
  "queue-timeout": 212,
  "connect-failed": 57,
  "idle-timeout": 1_904,
};

export function three(status: Partial<DestinationStatus> = {}): Server[] {
  return [
    { name: "db1", slots: 8, ms: 70, status },
    { name: "db2", slots: 8, ms: 90, status },
    { name: "db3", slots: 4, ms: 120, status },
  ];
}

export function shop(arrivals: Site["arrivals"]): Site {
  return { name: "shop", arrivals, servers: three(), past: PAST, status: { queue: 512 } };
}

/** Comes and goes. */
export function wave(middle: number, height: number): Site["arrivals"] {
  return (t) => middle + height * Math.sin(t / 23) + height * 0.3 * Math.sin(t / 5);
}

/** Calm, then more than can be served for a while, and again a little less. */
export function rush(t: number): number {
  if (t < -190) return 110 + 30 * Math.sin(t / 17);
  if (t < -150) return 260;
  if (t < -45) return 170 + 20 * Math.sin(t / 9);
  return t < -20 ? 243 : 226;
}

/** More than can be served, and no end of it. */
export function flood(t: number): number {
  return t < -20 ? 258 : 246;
}

export function stuck(): Site {
  const servers = three().slice(0, 1).map(({ ms: _, ...rest }) => rest);
  const arrivals = (t: number) => t > -28 && t <= -26 ? 4 : t > -20 ? 1 : 0;
  return { name: "shop", arrivals, servers, status: { queue: 512 } };
}

export function withOneDown(): Site {
  return {
    ...shop(wave(105, 30)),
    turns: [
      { at: -82, server: "db2", status: { state: "suspect" } },
      {
        ...{ at: -80, server: "db2", status: { state: "down" } },
        mark: { kind: "down", text: "db2 is down: connection refused (os error 111)" },
      },
    ],
  };
}

export function fiveServers(): Site {
  return {
    name: "shop",
    arrivals: (t) => t < -150 ? 240 + 60 * Math.sin(t / 19) : t < -100 ? 420 : rush(t) + 74,
    servers: [
      { name: "app1", slots: 8, ms: 70 },
      { name: "app2", slots: 8, ms: 75 },
      { name: "app3", slots: 6, ms: 70 },
      { name: "old", slots: 4, ms: 160 },
      { name: "spare", slots: 8, ms: 70, status: { backup: true, tier: 1 } },
    ],
    turns: [{
      ...{ at: -70, server: "old", status: { state: "drain", admin: "drain" } },
      mark: { kind: "drain", text: "old is drained by operator (10.0.0.5)" },
    }],
    past: PAST,
    status: { queue: 512 },
  };
}

export function draining(): Site {
  const one = shop((t) => t < -12 ? 180 : 0);
  const servers = one.servers.map(({ ms: _, ...rest }) => rest);
  const status: Site["status"] = { state: "draining", queue: Number.MAX_SAFE_INTEGER };
  return { ...one, servers, arrivals: (t) => t < -280 ? 2 : 0, status };
}

export function fourSites(): Site[] {
  const certificates = [certificateOf(9.5, "mail.example")];
  return [
    shop(wave(90, 30)),
    {
      name: "mail",
      arrivals: wave(12, 4),
      servers: [{ name: "mx1", slots: 16, ms: 300 }, { name: "mx2", slots: 16, ms: 300 }],
      status: { certificates, tls_handshakes: 41_200 },
    },
    { ...withOneDown(), name: "db" },
    {
      name: "old-api",
      arrivals: (t) => t > -60 ? 1 : 8,
      servers: [{ name: "api1", slots: 8, ms: 60 }],
      turns: [{
        ...{ at: -60, server: "api1", status: { state: "drain", admin: "drain" } },
        mark: { kind: "drain", text: "api1 is drained by operator (10.0.0.5)" },
      }],
    },
  ];
}

export function started(ago: number): Play["log"] {
  return [
    { ago, message: "listening on [::]:8080, shop" },
    { ago, message: "admin API on 127.0.0.1:9090" },
  ];
}

export function busyLog(): Play["log"] {
  return [
    ...started(86_400)!,
    { ago: 5_400, level: "warning", message: "db3 is suspect: connect timed out after 2 s" },
    { ago: 5_398, message: "db3 is up" },
    { ago: 1_200, message: "configuration reloaded: shop: queue 256 -> 512" },
  ];
}

export function downLog(): Play["log"] {
  return [
    ...busyLog()!,
    { ago: 82, level: "warning", message: "db2 is suspect: connection refused (os error 111)" },
    { ago: 80, level: "error", message: "db2 is down: connection refused (os error 111)" },
  ];
}

export function drainLog(): Play["log"] {
  return [...busyLog()!, { ago: 12, message: "draining: 20 sessions to finish" }];
}
