import { Without } from "../../async/audience.ts";
import type { Clock } from "../../base/clock.ts";
import { asksForHello, type HelloTerms } from "../../config/hello_terms.ts";
import type { Destination } from "../../destinations/destination.ts";
import { alertRecord } from "../../net/client_hello/alert.ts";
import { HelloReader } from "../../net/client_hello/reader.ts";
import { longest, type RouteStatus } from "../../operations/route_status.ts";
import type { Forecast } from "../../operations/forecast.ts";
import type { Wish } from "../../session/route.ts";
import type { Session } from "../../session/session.ts";
import { Forecaster } from "../forecaster.ts";
import type { Queue } from "../queue.ts";
import type { Serving } from "../serving.ts";
import type { WorkerPool } from "../worker_pool.ts";
import { Group } from "./group.ts";
import { type Match, RouteTable } from "./route_table.ts";

/** Options of {@linkcode Routes}. */
export interface RoutesOptions {
  serving: Pick<Serving, "reaches" | "forget" | "members">;
  /** Where sessions wait. */
  queue: () => Pick<Queue, "aheadIn" | "sessions" | "suspendedSessions" | "rebind">;
  pool: () => Pick<WorkerPool, "slots" | "hasFreeFor" | "look">;
  clock: Clock;
}

/** After so many milliseconds without a session all samples are the same. */
const QUIET_MS = 5000;

/** What somebody asks for of whom nothing is known. */
const NOTHING: Wish = { alpn: [] };

/**
 * Which destinations serve which sessions, by what clients say in their hello of TLS: a group of them
 * for each configured name and protocol, which is there as soon as somebody has asked for it.
 *
 * Nothing is done for a session while no destination has such an option.
 */
export class Routes {
  readonly #options: RoutesOptions;
  /** What clients can ask for. */
  readonly #table = new RouteTable();
  /** How many destinations and names want to know what the hello says. */
  #asking = 0;
  /** The terms that each destination is counted with. */
  readonly #noted = new Map<Destination, HelloTerms>();
  /** Those of the names that lead to destinations. */
  #wanted: readonly HelloTerms[] = [];
  /** Those that count until the next {@linkcode review}: who has had them may go to another one by then. */
  readonly #past: HelloTerms[] = [];
  /** By their keys. */
  readonly #groups = new Map<string, Group>();
  /** Whether it was so when those that wait were last looked at. */
  #wasActive = false;

  constructor(options: RoutesOptions) {
    this.#options = options;
  }

  /** Whether any destination wants to know what the hello says. */
  get active(): boolean {
    return this.#asking > 0;
  }

  /** How many groups sessions can wait for; 1 where all wait for the same. */
  get size(): number {
    return this.active ? Math.max(this.#table.size, 1) : 1;
  }

  /** What each is like that somebody has asked for. */
  get statuses(): RouteStatus[] {
    return [...this.#groups.values()].map(({ status }) => status);
  }

  /**
   * A destination is going to be there with these terms, maybe others than before, or is there no more.
   * From the first one on that asks for something nobody gets a session that waits and asks for another.
   */
  note(destination: Destination, after: HelloTerms | undefined): void {
    const before = this.#noted.get(destination);
    if (before === after) return;
    if (after) {
      this.#count(after, 1);
      this.#noted.set(destination, after);
    } else this.#noted.delete(destination);
    if (before) this.#past.push(before);
    if (this.active && !this.#wasActive) this.#bindAll();
  }

  /** What names want of clients, whether they lead to destinations at the moment or not. */
  want(wanted: readonly HelloTerms[]): void {
    for (const terms of wanted) this.#count(terms, 1);
    this.#past.push(...this.#wanted);
    this.#wanted = wanted;
  }

  /**
   * Binds a session to the group that serves what its client asks for.
   *
   * @returns What nobody has of that; nothing if it is bound.
   */
  bind(session: Session, wish: Wish = NOTHING): "name" | "protocol" | undefined {
    const match = this.#table.find(wish);
    if ("missing" in match) return match.missing;
    this.#direct(session, this.#groupOf(match));
  }

  /**
   * Destinations have come or gone, or have other options: those that wait are bound anew. The worker
   * pool has to be arranged after it.
   */
  review(): void {
    for (const terms of this.#past.splice(0)) this.#count(terms, -1);
    if (this.#table.takeChange() || this.#wasActive !== this.active) this.#bindAll();
  }

  #bindAll(): void {
    // Whoever is bound anew gets nobody whose turn it is not.
    this.#options.pool().look();
    const isThere = (key: string) => this.active && this.#table.has(key);
    for (const [key, group] of this.#groups) {
      if (isThere(key)) continue;
      this.#groups.delete(key);
      group.gone = true;
    }
    this.#options.serving.forget((key) => this.#table.has(key));
    const queue = this.#options.queue();
    // Those that have no room yet as well: they get that of others that end here.
    const all = [...queue.sessions, ...queue.suspendedSessions];
    queue.rebind(all.filter((session) => this.#bindAnew(session)));
    this.#wasActive = this.active;
  }

  /** A session begins to wait, maybe again: its group may have gone meanwhile. */
  refresh(session: Session): void {
    if (session.route ? (session.route as Group).gone : this.active) this.#bindAnew(session);
  }

  /** A session of a group has been connected. */
  noteConnected(session: Session): void {
    (session.route as Group | undefined)?.forecaster.noteConnected(session);
  }

  /** A session was not admitted. */
  noteRefused(session: Session): void {
    (session.route as Group | undefined)?.noteEnd(session);
  }

  /** A session that was admitted is over. */
  noteEnd(session: Session): void {
    const group = session.route as Group | undefined;
    group?.noteEnd(session);
    group?.forecaster.noteEnd(session);
  }

  /** Sessions wait, of all groups or those that have just come. */
  noteWaiting(sessions?: readonly Session[]): void {
    if (!this.active) return;
    if (sessions) {
      for (const { route } of sessions) (route as Group | undefined)?.forecaster.noteWaiting();
    } else for (const { forecaster } of this.#groups.values()) forecaster.noteWaiting();
  }

  /** Notes what has been counted so far, a few times a second, unless nobody has come for long. */
  sample(): void {
    if (this.#groups.size === 0) return;
    const now = this.#options.clock();
    for (const group of this.#groups.values()) {
      if (group.live > 0) group.liveAt = now;
      if (now - group.liveAt < QUIET_MS) group.forecaster.sample();
    }
  }

  /** The destinations that may have a session, as far as its group says, if it has one. */
  membersFor({ route }: Session): Iterable<Destination> | undefined {
    return route && this.#options.serving.members((route as Group).key);
  }

  /** What a session will wait for its group, in milliseconds; `undefined` if nothing is known. */
  expectedWait(session: Session): number | undefined {
    return (session.route as Group).forecaster.expectedWait(session);
  }

  /** What is forecast for all of it, with the longest times of any group. */
  forecast(all: Forecast): Forecast {
    if (!this.active || this.#groups.size === 0) return all;
    const each = [...this.#groups.values()].map(({ forecaster }) => forecaster.data);
    const clears = each.map(({ clears_in_ms }) => clears_in_ms);
    return {
      ...all,
      expected_wait_ms: longest(each.map(({ expected_wait_ms }) => expected_wait_ms)),
      clears_in_ms: clears.includes(null) ? null : longest(clears),
    };
  }

  #count(terms: HelloTerms, more: 1 | -1): void {
    if (asksForHello(terms)) this.#asking += more;
    if (more === 1) this.#table.add(terms);
    else this.#table.remove(terms);
  }

  /** Binds one that waits to what it asks for now; returns whether that is something else. */
  #bindAnew(session: Session): boolean {
    if (!this.active) return this.#direct(session, undefined);
    const hello = session.hello ?? helloAhead(session);
    session.hello = hello;
    const match = this.#table.find(hello ?? NOTHING);
    if ("key" in match) return this.#direct(session, this.#groupOf(match));
    // Within TLS there are no alerts in clear text.
    const tells = hello && !session.tls && session.reason === undefined;
    if (tells) session.lastWords = lastWordsFor(match.missing);
    session.abort("unknown-name");
    return false;
  }

  /** Has a session wait for a group, or for everybody; returns whether it has not before. */
  #direct(session: Session, group: Group | undefined): boolean {
    const before = session.route as Group | undefined;
    if (before === group) return false;
    if (before) before.live--;
    if (group) {
      group.live++;
      group.accepted++;
    }
    const { audience } = session;
    session.audience = audience instanceof Without ? audience.within(group) : group;
    session.direct(group);
    return true;
  }

  #groupOf({ key }: Extract<Match, { key: string }>): Group {
    let group = this.#groups.get(key);
    if (!group) {
      const { serving, clock } = this.#options;
      const [queue, pool] = [this.#options.queue(), this.#options.pool()];
      const made = group = new Group(key, (key, one) => serving.reaches(key, one));
      group.forecaster = new Forecaster({
        queue: {
          get size() {
            return made.waiting;
          },
          aheadOf: (session) => queue.aheadIn(made, session),
        },
        registry: group,
        slots: () => pool.slots(made, serving.members(key)),
        free: () => pool.hasFreeFor(made, serving.members(key)),
        clock,
      });
      this.#groups.set(key, group);
    }
    return group;
  }
}

/** What a client is told that asks for something that nobody has. */
export function lastWordsFor(missing: "name" | "protocol"): Uint8Array {
  return alertRecord(missing === "name" ? "unrecognized_name" : "no_application_protocol");
}

/** The hello in what a session has sent so far, if that is one. */
function helloAhead({ ahead }: Session): Wish | undefined {
  const reading = new HelloReader().read(ahead.bytes(0, ahead.length));
  return reading.kind === "hello" ? reading.hello : undefined;
}
