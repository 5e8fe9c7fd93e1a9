import type { Logger } from "@logtape/logtape";
import type { Clock } from "../../base/clock.ts";
import { mix32 } from "../../base/murmur.ts";
import type { Settings } from "../../config/options.ts";
import type { Session } from "../../session/session.ts";
import { ClientHash } from "../policies/client_hash.ts";
import type { OverloadHandling, Queue } from "../queue.ts";
import { RefusalLog } from "../refusal_log.ts";
import { Episode } from "./episode.ts";
import { GROUPS } from "./patience.ts";
import { Relief } from "./relief.ts";

/** What a client counts by: its IPv4 address, or the network that it has of IPv6. */
const CLIENT = { v4: 32, v6: 64 };

/** Options of {@linkcode Overload}. */
export interface OverloadOptions {
  /** Those in force; they may change. */
  settings: Pick<Settings, "whenOverloaded" | "shedTarget" | "shedInterval">;
  queue: Pick<Queue, "waiting" | "freeSlots" | "draining">;
  /** Whether a destination has sessions; one that may have this session, if one is given. */
  isServing: (session?: Session) => boolean;
  /** Free slots of the destinations that may have a session. */
  slotsFor: (session: Session) => number;
  clock: Clock;
  log: Logger;
}

/**
 * What `--when-overloaded` does to the sessions of a queue: sees how long clients are patient and servers
 * take, and sheds sessions that wait in vain.
 *
 * With `hold` nothing is seen and nothing is done. During a drain nothing is done: nobody comes any more
 * for whom room would have to be made, and what was accepted is finished.
 */
export class Overload implements OverloadHandling {
  readonly #options: OverloadOptions;
  readonly #relief: Relief<Session>;
  /** Tells the log who was shed. */
  readonly #sheds: RefusalLog;
  /** Tells it when an overload begins and ends. */
  readonly #episode: Episode;
  /** Tells clients apart. */
  readonly #clients = new ClientHash(CLIENT);
  /** What only this process knows: nobody can choose to be taken for somebody else. */
  readonly #salt = crypto.getRandomValues(new Uint32Array(1))[0]!;

  constructor(options: OverloadOptions) {
    const { queue, clock, settings, slotsFor } = options;
    this.#options = options;
    this.#sheds = new RefusalLog({ ...options, what: "overloaded" });
    this.#episode = new Episode({ ...options, mode: () => settings.whenOverloaded });
    this.#relief = new Relief({
      clock,
      mode: () => settings.whenOverloaded,
      bounds: () => settings,
      line: {
        get classes() {
          return queue.waiting.classes;
        },
        oldestFor: (taker, of) => queue.waiting.oldestFor(taker, of),
        nextToShedFor: (taker, of) => queue.waiting.nextToShedFor(taker, of),
        mayHave: (taker, session) => queue.waiting.mayHave(taker, session),
        isCrowded: (taker, session) => queue.waiting.sizeFor(taker) > 1 + slotsFor(session),
        oldests: () => queue.waiting.oldests(),
        isServed: (session) => options.isServing(session),
        all: () => queue.waiting,
        shed: (session) => {
          this.#episode.noteShed();
          this.#sheds.note("shed", { session });
          session.abort("shed");
        },
      },
    });
  }

  /** Whether more comes than is served, so that sessions are shed or the newest is served first. */
  get acts(): boolean {
    return this.#on && this.#relief.acts;
  }

  /** How long clients wait before they leave, in milliseconds; 0 if that was not seen. */
  get patience(): number {
    const { seen } = this.#relief.controller.patience;
    return this.#watches && seen < Infinity ? seen : 0;
  }

  /**
   * A worker of a destination is about to take a session; some may be shed before.
   *
   * @returns Whether it is to take the newest first.
   */
  beforeTaking(destination: object): boolean {
    return this.#on && this.#relief.next(destination);
  }

  /** Sessions have joined the queue. */
  joined(): void {
    const { queue, isServing } = this.#options;
    if (this.#on && isServing()) this.#relief.joined(() => queue.freeSlots > 0);
  }

  /** The client of a session that waits has finished sending. */
  finished(session: Session): void {
    const { signs, acceptedAt } = session;
    if (!this.#watches || !signs || signs.gaveUp || !signs.isSilent(acceptedAt)) return;
    signs.gaveUp = true;
    this.#left(session, signs.finishedAt!);
    if (this.#on) this.#relief.gaveUp(session);
  }

  /** The first byte of an answer has come. */
  answered(session: Session): void {
    if (!this.#watches) return;
    const now = this.#options.clock();
    const { controller } = this.#relief;
    controller.answers.note(now - Math.max(session.connectStartedAt!, session.signs?.heardAt ?? 0));
    controller.patience.answered(this.#groupOf(session));
    const { signs, acceptedAt } = session;
    const left = signs?.gaveUp || signs?.isSilent(acceptedAt) ? signs.finishedAt : undefined;
    this.#served(session, left);
    if (signs?.gaveUp) return;
    if (left !== undefined) this.#left(session, left);
    else this.#stayed(session, now);
  }

  /** A session has ended. */
  ended(session: Session): void {
    if (!this.#watches) return;
    const { reason, signs, acceptedAt, down } = session;
    if (signs?.gaveUp) {
      if (down.received === 0) this.#served(session, signs.finishedAt);
      return;
    }
    if (down.received > 0) return this.#endedAnswered(session);
    const left = reason === "client-gone" || reason === "client-reset";
    // With --half-close abandon one that finishes sending together with its request leaves, too.
    if (left && session.abandons && signs?.heardAt !== undefined && !signs.isSilent(acceptedAt)) {
      return;
    }
    if (left) {
      this.#left(session, session.endedAt!);
      this.#served(session, session.endedAt);
    } else this.#stayed(session, session.endedAt!);
  }

  /**
   * A session that was answered has ended. If its client has reset the connection instead of reading
   * the answer, it had left when it finished sending, be it together with its request.
   */
  #endedAnswered(session: Session): void {
    const { reason, signs, acceptedAt } = session;
    if (reason !== "client-reset" || signs?.finishedAt === undefined) return;
    if (signs.isSilent(acceptedAt)) return;
    this.#left(session, signs.finishedAt);
    this.#served(session, signs.finishedAt);
  }

  /** Looks whether an overload has begun or is over, for the log; to be called a few times a second. */
  look(): void {
    this.#episode.look(this.acts);
  }

  /** Tells the log about the latest sessions that were shed. */
  close(): void {
    this.#sheds.flush();
    this.#episode.end();
  }

  /** Whether what sessions do is seen. */
  get #watches(): boolean {
    return this.#options.settings.whenOverloaded !== "hold";
  }

  /** Whether anything may be done. */
  get #on(): boolean {
    return this.#watches && !this.#options.queue.draining;
  }

  /** A server has had it; when its client had left, if it had. */
  #served({ acceptedAt, connectStartedAt }: Session, leftAt: number | undefined): void {
    if (connectStartedAt === undefined) return;
    const left = leftAt === undefined ? undefined : leftAt - acceptedAt;
    this.#relief.controller.served({ wait: connectStartedAt - acceptedAt, left });
  }

  #left(session: Session, at: number): void {
    this.#relief.controller.patience.left(at - session.acceptedAt, this.#groupOf(session));
  }

  #stayed(session: Session, at: number): void {
    this.#relief.controller.patience.stayed(at - session.acceptedAt, this.#groupOf(session));
  }

  #groupOf({ clientAddress }: Session): number {
    return mix32((this.#clients.of(clientAddress) ?? 0) ^ this.#salt) % GROUPS;
  }
}
