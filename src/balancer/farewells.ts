import { type Deadline, Deadlines } from "../async/deadlines.ts";
import type { TaskGroup } from "../async/task_group.ts";
import type { Clock } from "../base/clock.ts";
import type { Settings } from "../config/options.ts";
import type { BufferPool } from "../net/buffer_pool.ts";
import type { DescriptorBudget, Release } from "../net/descriptor_budget.ts";
import type { Stream } from "../net/stream.ts";
import { type EndReason, isTurnedAway } from "../operations/end_reasons.ts";
import { send } from "../session/pump.ts";
import type { Ahead } from "../session/read_ahead.ts";
import type { Session } from "../session/session.ts";

/**
 * How long one may take, from the end of its session to the close, in milliseconds. Closing a
 * connection that has unread input resets it, and a reset takes from the client what it has not read
 * (https://www.rfc-editor.org/rfc/rfc9112#section-9.6): so the client has this time to close first.
 */
const LINGER_MS = 1000;

/** Most at a time that were told; for one more the oldest is closed, which has had most of its time. */
const MOST_TOLD = 256;

/** Most at a time that are being told, which takes a moment unless a client does not read; likewise. */
const MOST_TELLING = 1024;

/** Most bytes that are read of one, and thrown away. */
const MOST_READ = 1024 * 1024;

/** A client that is being told. */
interface Entry {
  readonly client: Stream;
  /** What it is told, if that is not what `--reject-with` says. */
  readonly words: Uint8Array | undefined;
  /** Gives its descriptor back. */
  readonly release: Release;
  deadline: Deadline<Entry> | undefined;
}

/** Options of {@linkcode Farewells}. */
export interface FarewellsOptions {
  /** Those in force. */
  settings: Pick<Settings, "rejectWith">;
  buffers: BufferPool;
  descriptors: Pick<DescriptorBudget, "claim" | "farewells">;
  clock: Clock;
  /** Gets what goes on beside sessions. */
  tasks: Pick<TaskGroup, "add">;
}

/**
 * Sends what `--reject-with` says to clients that are turned away, or the last words of their session
 * if it has some, and closes them after that.
 *
 * Their sessions are over, and count no more. What is left is a connection with one descriptor, which
 * is closed after a second at the latest, and sooner if there are many or the balancer ends.
 */
export class Farewells {
  readonly #options: FarewellsOptions;
  /** Those that are being told, the oldest first. */
  readonly #telling = new Set<Entry>();
  /** Those that were told and are to close, the oldest first. */
  readonly #told = new Set<Entry>();
  /** Closes those that take too long. */
  readonly #deadlines: Deadlines<Entry>;
  /** How many clients have been sent all of it so far. */
  #answered = 0;
  /** Whether nobody is told any more. */
  #closed = false;

  constructor(options: FarewellsOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines({
      limit: () => LINGER_MS,
      clock: options.clock,
      onOverdue: (entry) => {
        entry.deadline = undefined;
        entry.client.close();
      },
    });
  }

  /** How many clients have been sent all of it so far. */
  get answered(): number {
    return this.#answered;
  }

  /** How many are not closed yet. */
  get size(): number {
    return this.#telling.size + this.#told.size;
  }

  /** Whether a client that is turned away for this reason is told. */
  concern(reason: EndReason): boolean {
    return this.#options.settings.rejectWith.bytes.length > 0 && isTurnedAway(reason);
  }

  /** Whether the client of a session that ends is told: then it is left open for {@linkcode take}. */
  wants({ reason, down, ahead, lastWords }: Session): boolean {
    const isTold = lastWords !== undefined || (reason !== undefined && this.concern(reason));
    return isTold && down.received === 0 && !ahead.failed;
  }

  /** Tells the client of a session that is over, and closes it later. */
  take(session: Session): void {
    const { client, ahead, lastWords } = session;
    this.send(client, { ahead: ahead.started ? ahead.take() : undefined, words: lastWords });
  }

  /**
   * Tells a client, and closes it later; closes it at once if there is no descriptor for that.
   *
   * @param options.ahead What was read of it, and the read that may be under way.
   * @param options.words What it is told, instead of what `--reject-with` says.
   */
  send(
    client: Stream,
    { ahead, words }: { ahead?: Ahead | undefined; words?: Uint8Array | undefined } = {},
  ): void {
    const { buffers, descriptors, tasks } = this.#options;
    const begin = ahead ?? { buffer: buffers.take(), length: 0, pending: undefined };
    const release = this.#closed ? undefined : descriptors.claim(descriptors.farewells);
    if (!release) return tasks.add(this.#discard(client, begin));
    this.#makeRoom(this.#telling, MOST_TELLING);
    const entry: Entry = { client, release, words, deadline: undefined };
    entry.deadline = this.#deadlines.add(entry);
    this.#telling.add(entry);
    tasks.add(this.#run(entry, begin));
  }

  /** Closes all that are left; nobody is told any more. */
  close(): void {
    this.#closed = true;
    for (const { client } of [...this.#telling, ...this.#told]) client.close();
    this.#deadlines.stop();
  }

  async #run(entry: Entry, begin: Ahead): Promise<void> {
    const { client, words } = entry;
    let { pending } = begin;
    try {
      if (await send(client, words ?? this.#options.settings.rejectWith.bytes)) {
        if (!words) this.#answered++;
        this.#telling.delete(entry);
        this.#makeRoom(this.#told, MOST_TOLD);
        this.#told.add(entry);
        await client.closeWrite();
        for (let read = 0; read < MOST_READ;) {
          const received = await (pending ?? client.read(begin.buffer));
          pending = undefined;
          if (received === 0) break;
          read += received;
        }
      }
    } catch {
      // It is closed, by the client or because its time is over.
    }
    this.#forget(entry);
    entry.release();
    await this.#discard(client, { ...begin, pending });
  }

  /** Closes the oldest until there is room for one more. */
  #makeRoom(entries: Set<Entry>, most: number): void {
    for (const oldest of entries) {
      if (entries.size < most) break;
      this.#forget(oldest);
      oldest.client.close();
    }
  }

  #forget(entry: Entry): void {
    this.#telling.delete(entry);
    this.#told.delete(entry);
    if (entry.deadline) this.#deadlines.remove(entry.deadline);
    entry.deadline = undefined;
  }

  /** Closes a client, and gives the buffer back once nothing is read into it any more. */
  async #discard(client: Stream, { buffer, pending }: Ahead): Promise<void> {
    client.close();
    try {
      await pending;
    } catch {
      // That is what the close has done.
    }
    this.#options.buffers.give(buffer);
  }
}
