import type { Logger } from "@logtape/logtape";
import { setImmediate } from "node:timers";
import type { SocketAddress } from "../net/address.ts";
import { endsOfPorts, isHere } from "../net/loop_rules.ts";
import type { Clock } from "../base/clock.ts";
import type { Session } from "./session.ts";
import { sleep } from "../base/timer.ts";
import type { Ends, Note, Trails } from "../net/trails.ts";

/** Shortest time between two lines in the log about one destination that leads back, in milliseconds. */
const TELL_AGAIN_MS = 10_000;

/** Pauses before it is looked again whether a note has come, in milliseconds; 0 is a turn. */
const LOOKS_MS = [0, 0, 0, 1, 2, 4, 8];

/** Options of {@linkcode Loops}. */
export interface LoopsOptions {
  trails: Trails;
  /** The listener's number and name. */
  listener: { id: number; name: string };
  /** The name of a destination by its number. */
  nameOf(destination: number): string | undefined;
  clock: Clock;
  log: Logger;
}

/** Recognises sessions that come back to a listener that they have passed. */
export class Loops {
  readonly #options: LoopsOptions;
  /** When the log was told last about a destination, by its name. */
  readonly #told = new Map<string, number>();

  constructor(options: LoopsOptions) {
    this.#options = options;
  }

  /**
   * Looks where a connection that was accepted has come from, and ends its session with the reason
   * `loop` if that was this very listener.
   *
   * @returns What has to be waited for until that is certain, if it is not yet.
   */
  receive(session: Session): Promise<void> | undefined {
    const { localAddress: server, remoteAddress: client } = session.client;
    if (server.transport === "unix" || client.transport === "unix") return undefined;
    const trails = this.#trailsTo(server);
    if (!trails.mayKnow(server.port)) return undefined;
    const ends: Ends = { client, server };
    if (!isHere(ends)) return undefined;
    if (server.transport === "udp") {
      // It is noted before anything is sent.
      this.#look(session, endsOfPorts(client.port, server.port));
      return undefined;
    }
    if (this.#look(session, ends) || !trails.pending(ends.server.port)) return undefined;
    return session.certain = this.#lookAgain(session, ends);
  }

  /** Ends a session that is in a loop, and tells whoever it came from. */
  end(session: Session): void {
    const { trails, listener } = this.#options;
    if (session.ends) this.#trailsTo(session.client.localAddress).mark(session.ends);
    else if (session.client.remoteAddress.transport === "unix") trails.markWays(listener.id);
    session.correct("loop");
    session.abort("loop");
  }

  /** Ends a session whose connection to its destination was in a loop; returns whether it was. */
  endIfLooped(session: Session, note: Note | undefined): boolean {
    if (!note?.looped || session.down.bytes > 0) return false;
    this.end(session);
    return true;
  }

  /** Tells the log, at a limited rate, that a destination leads back. */
  tell(session: Session, destination: string): void {
    const { listener: { name }, clock, log } = this.#options;
    const now = clock();
    if (now - (this.#told.get(destination) ?? -Infinity) < TELL_AGAIN_MS) return;
    this.#told.set(destination, now);
    log.warning(
      "loop: session {id} of {client} has come back to listener {name}, to which its " +
        "destination {destination} leads",
      { id: session.title, client: session.clientName, name, destination },
    );
  }

  async #lookAgain(session: Session, ends: Ends): Promise<void> {
    for (const ms of LOOKS_MS) {
      if (ms === 0) await new Promise((resolve) => void setImmediate(resolve));
      else await sleep(ms);
      // In this order: the note is there before its connect is settled.
      const pending = this.#options.trails.pending(ends.server.port);
      if (session.stage === "ended" || this.#look(session, ends) || !pending) return;
    }
  }

  /** The ways of what comes to an address. */
  #trailsTo({ transport }: SocketAddress): Trails {
    const { trails } = this.#options;
    return transport === "udp" ? trails.datagrams : trails;
  }

  /** Whether the way is known by which a connection has come. */
  #look(session: Session, ends: Ends): boolean {
    const { listener, nameOf } = this.#options;
    const trail = this.#trailsTo(session.client.localAddress).find(ends);
    if (!trail) return false;
    session.trail = trail;
    session.ends = ends;
    const step = trail.find((one) => one.listener === listener.id);
    if (step) {
      this.end(session);
      this.tell(session, nameOf(step.destination) ?? `${step.listener}.${step.destination}`);
    }
    return true;
  }
}
