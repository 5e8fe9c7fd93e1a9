// Queue and relief with sessions that are numbers, destinations that are slots, and a clock of their own.
import { type Audience, only } from "../../src/async/audience.ts";
import { Overload } from "../../src/balancer/overload/overload.ts";
import type { WhenOverloaded } from "../../src/balancer/overload/relief.ts";
import type { Queue } from "../../src/balancer/queue.ts";
import { QueueOrder } from "../../src/balancer/queue_order.ts";
import { readSettings } from "../../src/config/options.ts";
import type { EndReason } from "../../src/operations/end_reasons.ts";
import { ClientSigns } from "../../src/session/client_signs.ts";
import { audienceOf, type Session } from "../../src/session/session.ts";
import { collectedLog } from "./logs.ts";
import { queueOf, sessionOf } from "./queue.ts";

/** Something that happens. */
export type Step =
  | { kind: "arrive"; number: number; client: number; to: number }
  | { kind: "crowd"; number: number; every: number; patience: number }
  | { kind: "answer" | "fail"; number: number }
  | { kind: "leave" | "finish"; which: number; heard: boolean }
  | { kind: "pass"; ms: number }
  | { kind: "mode"; mode: WhenOverloaded }
  | { kind: "order"; queueOrder: string; priority: string }
  | { kind: "slots"; which: number; number: number }
  | { kind: "drain" };

/** A destination with some slots. */
class Place {
  #standby = new AbortController();
  slots = 2;
  readonly busy: Session[] = [];
  /** Workers that take a session at the moment. */
  taking = 0;
  get free(): number {
    return Math.max(this.slots - this.busy.length - this.taking, 0);
  }

  get idleSignal(): AbortSignal {
    return this.#standby.signal;
  }

  /** Its idle workers leave. */
  dismiss(): void {
    this.#standby.abort();
    this.#standby = new AbortController();
  }
}

/** What happens, and what of it must not. */
export class Scene {
  now = 0;
  readonly faults: string[] = [];
  readonly ended = new Map<number, EndReason>();
  readonly settings: { whenOverloaded: WhenOverloaded; shedTarget: number; shedInterval: number };
  readonly places = [new Place(), new Place()];
  readonly queue: Queue;
  readonly overload: Overload;
  joined = 0;
  answered = 0;
  readonly #order = new QueueOrder();
  /** Whether each session waits for one destination alone; otherwise all wait for any. */
  readonly #binds: boolean;
  /** Clients that leave at a time if they are there still. */
  readonly #leaving: { at: number; session: Session }[] = [];
  /** Whether the patience of clients was known at some time. */
  #patienceSeen = false;
  /** Whether workers take sessions at the moment, as long as slots are free. */
  #growing = false;
  /** Who was shed meanwhile though nobody had seen its client leave. */
  readonly #shed: Session[] = [];

  constructor(mode: WhenOverloaded, binds: boolean, capacity: number) {
    this.settings = { whenOverloaded: mode, shedTarget: 0, shedInterval: 0 };
    this.#binds = binds;
    const { log } = collectedLog();
    this.queue = queueOf({
      capacity,
      clock: () => this.now,
      overload: () => this.overload,
      onWaiting: () => this.#grow(),
    });
    this.overload = new Overload({
      settings: this.settings,
      queue: this.queue,
      isServing: () => this.places.some(({ busy }) => busy.length > 0),
      slotsFor: (session) => this.#freeFor(session),
      clock: () => this.now,
      log,
    });
  }

  async run(step: Step): Promise<void> {
    switch (step.kind) {
      case "arrive":
        this.#join(step);
        break;
      case "crowd":
        for (let i = 0; i < step.number; i++) {
          const [session] = this.#join({ number: 1, client: i % 5, to: i % 2 });
          if (session) this.#leaving.push({ at: this.now + step.patience, session });
          await this.#pass(step.every);
          if (i % 4 === 0) this.#answer(1);
        }
        break;
      case "answer":
        this.#answer(step.number);
        break;
      case "fail":
        for (let i = 0; i < step.number; i++) {
          const place = this.places.find(({ busy }) => busy.length > 0);
          const session = place?.busy.shift();
          if (!session) break;
          const { acceptedAt } = session;
          this.queue.giveBack(session);
          if (session.acceptedAt !== acceptedAt) this.faults.push("one that came back is younger");
        }
        break;
      case "leave":
      case "finish": {
        const session = [...this.queue.sessions][step.which];
        if (!session) break;
        if (step.kind === "leave") this.#end(session, "client-gone");
        else {
          session.signs!.heardAt = step.heard ? this.now : session.acceptedAt;
          session.signs!.finished();
          this.overload.finished(session);
          this.#notePatience();
        }
        break;
      }
      case "pass":
        await this.#pass(step.ms);
        break;
      case "mode":
        this.settings.whenOverloaded = step.mode;
        break;
      case "order":
        this.queue.reorder(this.#order.lanes(readSettings(step)));
        break;
      case "slots":
        this.places[step.which]!.slots = step.number;
        break;
      case "drain":
        this.queue.lift();
        break;
    }
    await this.#settle();
  }

  /** Everybody is served who waits, and answered. */
  async end(): Promise<void> {
    for (const place of this.places) place.slots = 1000;
    await this.#settle();
    while (this.places.some(({ busy }) => busy.length > 0)) this.#answer(1000);
  }

  #join({ number, client, to }: { number: number; client: number; to: number }): Session[] {
    const audience: Audience | undefined = this.#binds ? only(this.places[to]!) : undefined;
    const sessions = Array.from({ length: number }, () => {
      const session = sessionOf(++this.joined, {
        client: `10.0.0.${client}`,
        ...audience && { audience },
      });
      return Object.assign(session, {
        acceptedAt: this.now,
        signs: new ClientSigns(() => this.now),
        down: { received: 0 },
        close: () => {},
        conclude: () => {},
        abort: (reason: EndReason) => this.#end(session, reason),
      });
    });
    // Those without room wait, too; whoever accepts does not wait for them here.
    this.queue.join(sessions).catch((error) => this.faults.push(String(error)));
    return sessions;
  }

  /** Time goes by, in which clients leave, and workers take whoever is next. */
  async #pass(ms: number): Promise<void> {
    this.now += ms;
    for (const { session } of this.#leaving.filter(({ at }) => at <= this.now)) {
      if (!this.ended.has(session.id)) this.#end(session, "client-gone");
    }
    const left = this.#leaving.filter(({ at }) => at > this.now);
    this.#leaving.splice(0, Infinity, ...left);
    await this.#settle();
  }

  #answer(number: number): void {
    for (const { busy } of this.places) {
      for (const session of busy.splice(0, number)) {
        this.overload.answered(session);
        this.#notePatience();
        session.down.received = 1;
        this.answered++;
        this.#end(session, "done");
      }
    }
  }

  /** Workers take sessions as long as some wait for whom a slot is free. */
  #grow(): void {
    this.#growing = true;
    for (const place of this.places) {
      while (place.free > 0 && this.#waitsFor(place)) {
        place.taking++;
        this.#take(place);
      }
    }
    this.#growing = false;
    for (const session of this.#shed.splice(0)) this.#checkFull(session);
  }

  #checkFull(session: Session): void {
    if (this.#freeFor(session) > 0) this.faults.push(`${session.id} was shed with free slots`);
  }

  async #take(place: Place): Promise<void> {
    const received = this.queue.receive(place);
    place.dismiss();
    try {
      const session = await received;
      place.taking--;
      session.connectStartedAt = this.now;
      // One that ended on its way here is over, as a worker finds it.
      if (this.ended.has(session.id)) this.#grow();
      else place.busy.push(session);
    } catch {
      // Those that it waited for have left, since their clients were seen giving up.
      place.taking--;
    }
  }

  /** All that was begun is done. */
  async #settle(): Promise<void> {
    this.#grow();
    while (this.places.some(({ taking }) => taking > 0)) await Promise.resolve();
  }

  /** Whether somebody waits for a place, with room or without. */
  #waitsFor(place: Place): boolean {
    return this.queue.hasFor(place as never) || this.queue.hasSuspendedFor(place as never);
  }

  #freeFor(session: Session): number {
    const audience = audienceOf(session);
    return this.places.filter((one) => audience?.has(one) !== false)
      .reduce((sum, { free }) => sum + free, 0);
  }

  #end(session: Session, reason: EndReason): void {
    if (this.ended.has(session.id)) this.faults.push(`${session.id} ends twice`);
    this.ended.set(session.id, reason);
    Object.assign(session, { reason, endedAt: this.now });
    if (reason === "shed") this.#judge(session);
    for (const { busy } of this.places) {
      const at = busy.indexOf(session);
      if (at >= 0) busy.splice(at, 1);
    }
    this.queue.onAbort(session);
    this.overload.ended(session);
    this.#notePatience();
    // A worker that is free takes the next one at once.
    if (reason !== "shed") this.#grow();
  }

  #notePatience(): void {
    if (this.overload.patience > 0) this.#patienceSeen = true;
  }

  #judge(session: Session): void {
    const { whenOverloaded } = this.settings;
    if (whenOverloaded === "hold") this.faults.push("shed with hold");
    if (this.queue.draining) this.faults.push("shed during a drain");
    // Where nobody has left, a queue stands for two seconds first. One that stands does so until it
    // is over, whatever others show meanwhile.
    const isKnown = this.#patienceSeen || this.now >= 2000;
    if (!isKnown) this.faults.push("shed though nobody has lost patience");
    if (session.signs!.gaveUp) return;
    if (this.#growing) this.#shed.push(session);
    else this.#checkFull(session);
  }
}
