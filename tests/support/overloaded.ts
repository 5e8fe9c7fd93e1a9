// Sessions that wait in a queue in front of destinations, with a clock of their own.
import type { Audience } from "../../src/async/audience.ts";
import { Overload } from "../../src/balancer/overload/overload.ts";
import type { WhenOverloaded } from "../../src/balancer/overload/relief.ts";
import type { Queue, QueueOptions } from "../../src/balancer/queue.ts";
import type { EndReason } from "../../src/operations/end_reasons.ts";
import { ClientSigns } from "../../src/session/client_signs.ts";
import type { Session } from "../../src/session/session.ts";
import { collectedLog } from "./logs.ts";
import { queueOf, sessionOf } from "./queue.ts";

const DESTINATION = { idleSignal: new AbortController().signal };

/** How long the clients of {@linkcode Place.teach} wait, in milliseconds. */
export const PATIENCE_MS = 500;

/** So many are served when their clients have left. */
const LATE = 4;

/** A queue in front of destinations, and what happens to its sessions when time goes by. */
export class Place {
  now = 0;
  readonly settings: { whenOverloaded: WhenOverloaded; shedTarget: number; shedInterval: number };
  readonly ended: string[] = [];
  readonly lines: string[];
  readonly queue: Queue;
  readonly overload: Overload;
  /** Free slots, beside that of whoever takes a session. */
  slots = 0;
  #number = 0;

  constructor(
    whenOverloaded: WhenOverloaded,
    options: Pick<Partial<QueueOptions>, "capacity" | "lanes"> = {},
  ) {
    const { log, lines } = collectedLog();
    this.lines = lines;
    this.settings = { whenOverloaded, shedTarget: 0, shedInterval: 0 };
    this.queue = queueOf({ ...options, overload: () => this.overload });
    this.overload = new Overload({
      settings: this.settings,
      queue: this.queue,
      isServing: () => true,
      slotsFor: () => this.slots,
      clock: () => this.now,
      log,
    });
  }

  /** A client comes, of an address of its own and for everybody unless given. */
  join(client?: string, audience?: Audience): Session {
    const id = ++this.#number;
    const address = client ?? `10.0.${id >> 8}.${id & 255}`;
    const session = sessionOf(id, { client: address, ...audience && { audience } });
    Object.assign(session, {
      acceptedAt: this.now,
      signs: new ClientSigns(() => this.now),
      clientName: `${id}`,
      down: { received: 0 },
      close: () => {},
      conclude: () => {},
      abort: (reason: EndReason) => {
        Object.assign(session, { reason, endedAt: this.now });
        this.ended.push(`${id} ${reason}`);
        this.queue.onAbort(session);
        this.overload.ended(session);
      },
    });
    this.queue.join([session]);
    return session;
  }

  /** A worker of a destination takes the next one, and it is answered at once. */
  async serve(destination = DESTINATION): Promise<number | undefined> {
    if (!this.queue.hasFor(destination as never)) return undefined;
    const session = await this.queue.receive(destination);
    session.connectStartedAt = this.now;
    this.overload.answered(session);
    return session.id;
  }

  /** Its client finishes sending after it has said nothing since it came. */
  finish(session: Session, { heardAt = session.acceptedAt } = {}): void {
    session.signs!.heardAt = heardAt;
    session.signs!.finished();
    this.overload.finished(session);
  }

  /** Clients show how patient they are: they leave, and servers answer some who have left. */
  async teach(): Promise<void> {
    for (let i = 0; i < 128; i++) {
      this.overload.answered(Object.assign(this.join(), { connectStartedAt: this.now }));
    }
    const waiting = [...this.queue.sessions];
    this.now += PATIENCE_MS;
    for (const session of waiting) session.abort("client-gone");
    const late = Array.from({ length: LATE }, () => this.join());
    this.now += PATIENCE_MS;
    for (const session of late) this.finish(session);
    while (await this.serve());
    this.ended.length = 0;
  }
}

/** More come than are served, for longer than clients are patient. */
export async function overrun(place: Place): Promise<void> {
  for (let i = 0; i < 300; i++) {
    place.join();
    place.join();
    await place.serve();
    place.now += 10;
  }
}
