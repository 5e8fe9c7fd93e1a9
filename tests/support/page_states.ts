import type { Play } from "./page_program.ts";
import { manyServers, sessionsOf } from "./page_cast.ts";
import {
  busyLog,
  downLog,
  draining,
  drainLog,
  fiveServers,
  flood,
  fourSites,
  rush,
  shop,
  started,
  stuck,
  three,
  TROUBLES,
  wave,
  withOneDown,
} from "./page_sites.ts";

/** What the page is shown in. */
export interface PageState {
  /** A word for files and tests. */
  name: string;
  /** What it is, in a sentence. */
  about: string;
  play: () => Play;
  /** Who looks: who may do everything if not given. */
  as?: "reader" | "stranger" | "wrong";
  /** Another state that has all that there is in this one, but for numbers. */
  like?: string;
  /** What happens once the page is there. */
  then?: "lost" | "ended" | "sessions" | "adding" | "question" | "day" | "menu" | "in-force";
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
    like: "adding",
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
    like: "busy",
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
    like: "busy-40",
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
        turns: [{
          ...{ at: -30, server: "db1", status: { state: "down" } },
          mark: { kind: "down", text: "db1 is down: connection refused (os error 111)" },
        }],
        status: { queue: 256 },
      }],
      log: [{ ago: 30, level: "error", message: "db1 is down: connection refused" }],
    }),
  },
  {
    name: "drained-one",
    like: "mixed",
    about: "An operator has drained a server and put another one into maintenance.",
    play: () => ({
      sites: [{
        ...shop(wave(40, 15)),
        turns: [
          {
            ...{ at: -90, server: "db2", status: { state: "drain", admin: "drain" } },
            mark: { kind: "drain", text: "db2 is drained by operator (10.0.0.5)" },
          },
          {
            ...{ at: -200, server: "db3", status: { state: "maint", admin: "maint" } },
            mark: { kind: "maint", text: "db3 is in maintenance, by operator (10.0.0.5)" },
          },
        ],
      }],
      log: started(86_400),
    }),
  },
  {
    name: "mixed",
    about: "Five servers: one is drained, one stands by as a backup; a queue that moves.",
    play: () => ({ sites: [fiveServers()], log: busyLog() }),
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
    name: "day",
    about: "The charts show the last 24 hours.",
    play: () => ({ sites: [withOneDown()], log: downLog() }),
    then: "day",
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
  {
    name: "menu",
    about: "The menu of a server that is drained is open.",
    play: () => ({ sites: [fiveServers()], log: busyLog() }),
    then: "menu",
  },
  {
    name: "in-force",
    about: "What is in force is unfolded, of the listener and of the program.",
    play: () => ({ sites: [shop(wave(60, 25))], log: started(86_400) }),
    then: "in-force",
  },
];
