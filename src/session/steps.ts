import type { Logger } from "@logtape/logtape";
import type { Session } from "./session.ts";

/**
 * The steps of each session in the log, at the level debug.
 *
 * Whoever calls looks at {@linkcode on} first, so that nothing is made for a log that nobody wants.
 */
export class Steps {
  /** Whether the log wants them. */
  on: boolean;
  readonly #log: Logger;

  constructor(log: Logger, options: { on: boolean }) {
    this.#log = log;
    this.on = options.on;
  }

  accepted({ title: id, clientName: client, forwarded, peerName: peer }: Session): void {
    if (forwarded) {
      this.#log.debug("session {id}: accepted from {client} through {peer}", { id, client, peer });
    } else this.#log.debug("session {id}: accepted from {client}", { id, client });
  }

  /** @param how Why it has ended before its payload began. */
  ungreeted(
    { title: id, peerName: peer, reason }: Session,
    how = "its greeting was not over",
  ): void {
    this.#log.debug("session {id}: {peer} {how}, {reason}", { id, peer, how, reason });
  }

  /** @param by.worker Its number at the destination, from 1. */
  taken({ title: id }: Session, by: { destination: string; worker: number }): void {
    this.#log.debug("session {id}: taken by worker {worker} of {destination}", { id, ...by });
  }

  connected({ title: id, destination }: Session): void {
    this.#log.debug("session {id}: connected to {destination}", {
      id,
      destination: destination?.name,
    });
  }

  /** @param direction `up` from the client to the destination, `down` back. */
  firstByte({ title: id }: Session, direction: "up" | "down"): void {
    this.#log.debug("session {id}: first byte {direction}", { id, direction });
  }

  closed({ title: id, reason, up, down }: Session): void {
    this.#log.debug("session {id}: closed, {reason}; {up} bytes up, {down} bytes down", {
      id,
      reason,
      up: up.bytes,
      down: down.bytes,
    });
  }
}
