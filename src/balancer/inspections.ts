import type { Clock } from "../base/clock.ts";
import type { Destination } from "../destinations/destination.ts";
import { isPeerOf, parsePeers, type Peers } from "../net/networks.ts";
import type { InspectionBegun, InspectionRecord, ListenerWish } from "../operations/inspection.ts";
import type { Session } from "../session/session.ts";
import type { SessionRegistry } from "../session/registry.ts";
import { Tap } from "../session/tap.ts";
import { Inspection } from "./inspection.ts";

/** Options of {@linkcode Inspections}. */
interface InspectionsOptions {
  listener: { readonly id: number; readonly name: string };
  registry: Pick<SessionRegistry, "live">;
  destinations(): readonly Destination[];
  clock: Clock;
  /** Aborted when nothing is served any more. */
  signal: AbortSignal;
}

interface Running {
  readonly inspection: Inspection;
  readonly wish: ListenerWish;
  readonly clients: readonly Peers[] | undefined;
  /** Those that are wanted by their number and are not over. */
  readonly wanted: Map<number, Session>;
}

/**
 * Who looks into which sessions of a balancer. While nobody does, a session has one look at {@linkcode on} when it is
 * connected and one when it ends, and its bytes none.
 */
export class Inspections {
  /** Whether anybody looks. */
  on = false;
  readonly #options: InspectionsOptions;
  readonly #running = new Map<number, Running>();
  readonly #taps = new Map<Session, Tap>();
  /** Inspections begun so far. */
  #begun = 0;

  constructor(options: InspectionsOptions) {
    this.#options = options;
    options.signal.addEventListener("abort", () => this.#close());
  }

  /** Begins to look, at sessions that live and at those that come. */
  begin(wish: ListenerWish): InspectionBegun {
    const { listener, registry } = this.#options;
    const number = ++this.#begun;
    const clients = wish.client === undefined ? undefined : parsePeers(wish.client);
    const inspection = new Inspection(listener);
    const wanted = new Map<number, Session>();
    const running = { inspection, wish, clients, wanted };
    this.#running.set(number, running);
    this.on = true;
    for (const session of registry.live) {
      if (wish.sessions.includes(session.id)) wanted.set(session.id, session);
      else if (!session.server) continue;
      this.#look(session, this.#destinationOf(session), running);
    }
    const found = [...wanted.keys()];
    this.#endIfComplete(running);
    return { number, found };
  }

  /** What an inspection has noted; `undefined` once nothing more comes. */
  async read(number: number): Promise<readonly InspectionRecord[] | undefined> {
    const running = this.#running.get(number);
    if (!running) return undefined;
    const { inspection, wanted } = running;
    // Of those whose greeting has failed nobody is told that they are over.
    for (const session of wanted.values()) if (session.stage === "ended") this.ended(session);
    const records = await inspection.read();
    if (records === undefined) this.end(number);
    return records;
  }

  /** Ends one; returns how many bytes have come and were not read. */
  end(number: number): number {
    const running = this.#running.get(number);
    if (!running) return 0;
    this.#running.delete(number);
    this.on = this.#running.size > 0;
    for (const session of running.inspection.sessions) this.#leave(session, running.inspection);
    running.inspection.close();
    return running.inspection.untold;
  }

  /** A session is connected and not yet relayed. */
  connected(session: Session, destination: Destination): void {
    this.#taps.get(session)?.connect();
    for (const running of this.#running.values()) {
      if (running.inspection.sessions.has(session)) this.#tell(session, running.inspection);
      else this.#look(session, destination, running);
    }
  }

  /** A session is over. */
  ended(session: Session): void {
    this.#taps.get(session)?.close();
    this.#taps.delete(session);
    for (const running of this.#running.values()) {
      if (running.inspection.sessions.has(session)) running.inspection.end(session);
      if (running.wanted.delete(session.id)) this.#endIfComplete(running);
    }
  }

  /** Begins to look into a session, if that is wanted and not so yet. */
  #look(session: Session, destination: Destination | undefined, running: Running): void {
    const { inspection } = running;
    if (!running.wanted.has(session.id) && !this.#isMeant(session, destination, running)) return;
    if (!this.#tell(session, inspection)) return;
    const tap = this.#taps.get(session) ?? new Tap(session);
    this.#taps.set(session, tap);
    tap.listeners.add(inspection);
    tap.connect();
  }

  #tell(session: Session, inspection: Inspection): boolean {
    return inspection.begin(session, this.#options.clock());
  }

  #close(): void {
    for (const { inspection } of this.#running.values()) inspection.close();
  }

  #leave(session: Session, inspection: Inspection): void {
    const tap = this.#taps.get(session);
    if (!tap) return;
    tap.listeners.delete(inspection);
    if (tap.listeners.size > 0) return;
    tap.close();
    this.#taps.delete(session);
  }

  #isMeant(
    session: Session,
    destination: Destination | undefined,
    { wish, clients }: Running,
  ): boolean {
    if (!wish.others || (clients && !isPeerOf(clients, session.clientAddress))) return false;
    if (wish.destination === undefined) return true;
    if (!destination) return false;
    const { name, number, config } = destination;
    const id = `${this.#options.listener.id}.${number}`;
    return [name, id, config.source].includes(wish.destination);
  }

  #destinationOf(session: Session): Destination | undefined {
    return this.#options.destinations().find((one) => one === session.destination);
  }

  /** Those that were wanted are over, and no others are meant. */
  #endIfComplete({ inspection, wish, wanted }: Running): void {
    if (!wish.others && wanted.size === 0) inspection.close();
  }
}
