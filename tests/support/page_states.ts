import type { DestinationStatus } from "../../src/operations/destination_status.ts";
import type { Play } from "./page_program.ts";
import type { Server, Site } from "./page_listener.ts";
import { manyServers, sessionsOf } from "./page_cast.ts";
import { certificateOf } from "./statuses.ts";

/** What the page is shown in. */
export interface PageState {
  /** A word for files and tests. */
  name: string;
  /** What it is, in a sentence. */
  about: string;
  play: () => Play;
  /** Who looks: who may do everything if not given. */
  as?: "reader" | "stranger" | "wrong";
  /** What happens once the page is there. */
  then?: "lost" | "ended" | "sessions" | "adding" | "question";
}

/** Everything that the page can look like, in the order of a tour. */
export const PAGE_STATES: readonly PageState[] = [
  {
    name: "fresh",
    about: "Started two seconds ago, nobody has come, no server was reached yet.",
    play: () => ({
      uptime: 2,
      sites: [{
        name: "shop",
        arrivals: () => 0,
        servers: three({ state: "untried", workers: 0 }),
      }],
      log: started(2),
    }),
  },
  {
    name: "idle-1",
    about: "One server, up since yesterday, and nobody there.",
    play: () => ({
      sites: [{ name: "shop", arrivals: () => 0, servers: three().slice(0, 1) }],
      log: started(86_400),
    }),
  },
  {
    name: "calm",
    about: "Three servers with enough slots: nobody waits.",
    play: () => ({ sites: [shop(wave(60, 25))], log: started(86_400) }),
  },
  {
    name: "busy",
    about: "A rush: all slots are busy, a queue that moves.",
    play: () => ({ sites: [shop(rush)], log: busyLog() }),
  },
  {
    name: "full",
    about: "More comes than can be served; there is hardly room left in the queue.",
    play: () => ({
      sites: [{ ...shop(flood), status: { queue: 512, overloaded: 1, patience_ms: 4_200 } }],
      log: busyLog(),
    }),
  },
  {
    name: "busy-40",
    about: "Forty servers under load, one of them down, one drained, one suspect.",
    play: () => ({
      sites: [{ name: "shop", arrivals: wave(1800, 700), servers: manyServers(40, TROUBLES) }],
      log: busyLog(),
    }),
  },
  {
    name: "idle-40",
    about: "Forty servers, freshly started.",
    play: () => ({
      uptime: 4,
      sites: [{ name: "shop", arrivals: () => 0, servers: manyServers(40) }],
      log: started(4),
    }),
  },
  {
    name: "old-queue",
    about: "Every slot is held by sessions that do not end; twenty wait, the oldest for 19 s.",
    play: () => ({ sites: [stuck()], log: started(86_400), sessions: sessionsOf(28) }),
  },
  {
    name: "down",
    about: "db2 went down 80 s ago; the two others carry it.",
    play: () => ({ sites: [withOneDown()], log: downLog() }),
  },
  {
    name: "all-down",
    about: "The only server is down; sessions wait.",
    play: () => ({
      sites: [{
        name: "shop",
        arrivals: (t) => t > -30 ? 3 : 20,
        servers: three().slice(0, 1),
        turns: [{ at: -30, server: "db1", status: { state: "down" } }],
        status: { queue: 256 },
      }],
      log: [{ ago: 30, level: "error", message: "db1 is down: connection refused" }],
    }),
  },
  {
    name: "drained-one",
    about: "An operator has drained a server and put another one into maintenance.",
    play: () => ({
      sites: [{
        ...shop(wave(40, 15)),
        turns: [
          { at: -90, server: "db2", status: { state: "drain", admin: "drain" } },
          { at: -200, server: "db3", status: { state: "maint", admin: "maint" } },
        ],
      }],
      log: started(86_400),
    }),
  },
  {
    name: "draining",
    about: "The program drains: it finishes what it has.",
    play: () => ({ sites: [draining()], state: "draining", log: drainLog() }),
  },
  {
    name: "ended",
    about: "It has drained, and is gone as planned.",
    play: () => ({ sites: [draining()], state: "draining", log: drainLog() }),
    then: "ended",
  },
  {
    name: "lost",
    about: "The program does not answer any more, nobody knows why.",
    play: () => ({ sites: [shop(rush)], log: busyLog() }),
    then: "lost",
  },
  {
    name: "sign-in",
    about: "It wants a token.",
    play: () => ({ sites: [shop(rush)], log: busyLog() }),
    as: "stranger",
  },
  {
    name: "wrong-token",
    about: "It wants another token than that.",
    play: () => ({ sites: [shop(rush)], log: busyLog() }),
    as: "wrong",
  },
  {
    name: "reader",
    about: "Who may look and change nothing.",
    play: () => ({ sites: [withOneDown()], log: downLog(), sessions: sessionsOf(12) }),
    as: "reader",
    then: "sessions",
  },
  {
    name: "listeners",
    about: "Four listeners: two are well, one has a server down, one is drained of servers.",
    play: () => ({ sites: fourSites(), log: busyLog() }),
  },
  {
    name: "sessions",
    about: "The list of the live sessions is open.",
    play: () => ({ sites: [shop(rush)], log: busyLog(), sessions: sessionsOf(12) }),
    then: "sessions",
  },
  {
    name: "adding",
    about: "A server is being added.",
    play: () => ({ sites: [shop(wave(60, 25))], log: started(86_400) }),
    then: "adding",
  },
  {
    name: "question",
    about: "Drain and end was pressed: the page asks.",
    play: () => ({ sites: [shop(rush)], log: busyLog(), sessions: sessionsOf(28) }),
    then: "question",
  },
];

/** What is the matter with some of forty. */
const TROUBLES: Record<number, Partial<DestinationStatus>> = {
  11: { state: "down" },
  17: { state: "drain", admin: "drain" },
  23: { state: "suspect" },
  38: { backup: true, tier: 1 },
};

function three(status: Partial<DestinationStatus> = {}): Server[] {
  return [
    { name: "db1", slots: 8, ms: 70, status },
    { name: "db2", slots: 8, ms: 90, status },
    { name: "db3", slots: 4, ms: 120, status },
  ];
}

function shop(arrivals: Site["arrivals"]): Site {
  return { name: "shop", arrivals, servers: three(), status: { queue: 512 } };
}

/** Comes and goes. */
function wave(middle: number, height: number): Site["arrivals"] {
  return (t) => middle + height * Math.sin(t / 23) + height * 0.3 * Math.sin(t / 5);
}

/** Calm, then more than can be served for a while, and again a little less. */
function rush(t: number): number {
  if (t < -190) return 110 + 30 * Math.sin(t / 17);
  if (t < -150) return 260;
  if (t < -45) return 170 + 20 * Math.sin(t / 9);
  return t < -20 ? 243 : 226;
}

/** More than can be served, and no end of it. */
function flood(t: number): number {
  return t < -20 ? 258 : 246;
}

function stuck(): Site {
  const servers = three().slice(0, 1).map(({ ms: _, ...rest }) => rest);
  const arrivals = (t: number) => t > -28 && t <= -26 ? 4 : t > -20 ? 1 : 0;
  return { name: "shop", arrivals, servers, status: { queue: 512 } };
}

function withOneDown(): Site {
  return {
    ...shop(wave(105, 30)),
    turns: [
      { at: -82, server: "db2", status: { state: "suspect" } },
      { at: -80, server: "db2", status: { state: "down" } },
    ],
  };
}

function draining(): Site {
  const one = shop((t) => t < -12 ? 180 : 0);
  const servers = one.servers.map(({ ms: _, ...rest }) => rest);
  const status: Site["status"] = { state: "draining", queue: Number.MAX_SAFE_INTEGER };
  return { ...one, servers, arrivals: (t) => t < -280 ? 2 : 0, status };
}

function fourSites(): Site[] {
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
      turns: [{ at: -60, server: "api1", status: { state: "drain", admin: "drain" } }],
    },
  ];
}

function started(ago: number): Play["log"] {
  return [
    { ago, message: "listening on [::]:8080, shop" },
    { ago, message: "admin API on 127.0.0.1:9090" },
  ];
}

function busyLog(): Play["log"] {
  return [
    ...started(86_400)!,
    { ago: 5_400, level: "warning", message: "db3 is suspect: connect timed out after 2 s" },
    { ago: 5_398, message: "db3 is up" },
    { ago: 1_200, message: "configuration reloaded: shop: queue 256 -> 512" },
  ];
}

function downLog(): Play["log"] {
  return [
    ...busyLog()!,
    { ago: 82, level: "warning", message: "db2 is suspect: connection refused (os error 111)" },
    { ago: 80, level: "error", message: "db2 is down: connection refused (os error 111)" },
  ];
}

function drainLog(): Play["log"] {
  return [...busyLog()!, { ago: 12, message: "draining: 20 sessions to finish" }];
}
