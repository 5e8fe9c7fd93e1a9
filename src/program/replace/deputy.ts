import type { Logger } from "@logtape/logtape";
import { waitAtMost } from "../../async/wait_at_most.ts";
import { messageOf } from "../../base/errors.ts";
import { bind, type Bound } from "../../net/bind.ts";
import { AcceptFailures } from "../../net/accept_failures.ts";
import type { AcceptingSocket } from "../../net/accepting_socket.ts";
import type { Stream } from "../../net/stream.ts";
import type { Takeable } from "../../net/sharing.ts";
import { writeAll } from "../../net/write_all.ts";
import { LineInput } from "../../services/line_input.ts";
import { DRAINING, type Predecessor, readTakeOver, writeLine } from "./messages.ts";

/** Only its user, and root, may tell the program to go: as with signals. */
const SOCKET_MODE = 0o600;

/** Most bytes that one may say, which is a number. */
const MOST_BYTES = 256;

/** Most who ask at a time: one is the rule, and nobody is to use up descriptors. */
const MOST = 8;

/** How long one that has been told that this process drains may take to read it, in milliseconds. */
const PATIENCE_MS = 1000;

/** Options of {@linkcode Deputy.open}. */
export interface DeputyOptions {
  readonly log: Logger;
  /** What this process is, asked whenever somebody comes. */
  describe(): Predecessor | Promise<Predecessor>;
  /** Another process serves, and this one is to drain. */
  onReplaced(pid: number): void;
  /** Whether the path is to be taken at once; otherwise by {@linkcode Deputy.take}. */
  readonly atOnce: boolean;
}

/** Tells whoever comes to replace this process what it is, and hears when that has happened. */
export class Deputy {
  readonly #options: DeputyOptions;
  readonly #bound: Bound;
  /** The path that the socket is to get. */
  #path: Takeable | undefined;
  /** Those who ask. */
  readonly #asking = new Set<Stream>();
  readonly #running: Promise<void>;
  #closed = false;

  private constructor(
    bound: Bound,
    { path, ...options }: DeputyOptions & { path: Takeable | undefined },
  ) {
    this.#options = options;
    this.#bound = bound;
    this.#path = path;
    if (options.atOnce) this.take();
    this.#running = this.#run(bound.sockets[0]!);
  }

  /**
   * Waits at a path for somebody to come.
   *
   * @throws {FatalError} If there can be no socket.
   */
  static async open(path: string, options: DeputyOptions): Promise<Deputy> {
    let late: Takeable | undefined;
    // Whoever answers there is a process that drains, or the one that is replaced: the pid file says
    // who this place belongs to.
    const sharing = {
      beside: true,
      isHeld: () => true,
      atHandOver: (taking: Takeable) => void (late = taking),
    };
    const { log } = options;
    const bound = await bind({ transport: "unix", path }, {
      tcpBacklog: MOST,
      mode: SOCKET_MODE,
      sharing,
      log,
    });
    try {
      return new Deputy(bound, { ...options, path: late });
    } catch (error) {
      bound.release();
      for (const socket of bound.sockets) socket.close();
      throw error;
    }
  }

  /** Gives the path to its socket; a second call does nothing. */
  take(): void {
    this.#path?.take();
    this.#path = undefined;
  }

  /** Nobody can replace this process any more. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#bound.release();
    this.#bound.sockets[0]!.close();
    for (const stream of this.#asking) stream.close();
    await this.#running;
  }

  async #run(socket: AcceptingSocket): Promise<void> {
    const failures = new AcceptFailures({ log: this.#options.log });
    while (!this.#closed) {
      try {
        const stream = await socket.accept();
        failures.over();
        if (this.#asking.size >= MOST) stream.close();
        else void this.#talk(stream);
      } catch (error) {
        if (!this.#closed) await failures.pause(error);
      }
    }
  }

  async #talk(stream: Stream): Promise<void> {
    const { log, describe, onReplaced } = this.#options;
    this.#asking.add(stream);
    try {
      await writeAll(stream, writeLine(await describe()));
      const line = await new LineInput(stream, MOST_BYTES).line();
      const told = line && readTakeOver(line.bytes);
      if (!told) return;
      onReplaced(told.replacedBy);
      await waitAtMost(PATIENCE_MS, writeAll(stream, writeLine(DRAINING)).catch(() => {}));
    } catch (error) {
      if (!this.#closed) {
        log.debug("who came to replace this process is gone: {reason}", {
          reason: messageOf(error),
        });
      }
    } finally {
      this.#asking.delete(stream);
      stream.close();
    }
  }
}
