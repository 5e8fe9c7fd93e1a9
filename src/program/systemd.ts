import { messageOf } from "../base/errors.ts";
import { waitAtMost } from "../async/wait_at_most.ts";
import { type DatagramSocket, openDatagramSocket } from "../net/datagram_socket.ts";
import { every, type Timer } from "../base/timer.ts";
import type { Status } from "../operations/operations.ts";

/** Time between two signs of life where no watchdog asks for more, in milliseconds. */
const BEAT_MS = 5000;

/** How long a drain may go on after a sign of life, in milliseconds: room for some that are late. */
const EXTENSION_MS = 4 * BEAT_MS;

/** Longest time that {@linkcode ServiceManager.close} waits for what is not sent yet. */
const CLOSE_MS = 1000;

/** The part of `Deno.env` that is needed here. */
export interface Environment {
  get(name: string): string | undefined;
}

/** Options of {@linkcode openServiceManager}. */
export interface ServiceManagerOptions {
  /**
   * What the program is doing, in one line. It is asked before each sign of life and shown by
   * `systemctl status`. Without an answer there is no sign of life: what answers has to be what
   * serves.
   */
  describe?(): string | Promise<string>;
  /** Whether what serves goes on; it does if absent. While it does not, the watchdog is not fed. */
  isAlive?(): boolean;
  /** Learns of the first failure. Nothing else comes of one: the program serves without systemd. */
  onError?(message: string): void;
  /** Milliseconds between signs of life at most; 5000 if absent. */
  beat?: number;
}

/**
 * Tells the service manager how the program is: the protocol of sd_notify(3).
 *
 * A program that hangs is restarted by the watchdog (`WatchdogSec=`), and a drain may take longer
 * than `TimeoutStopSec=`: while it goes on, each sign of life asks for 20 seconds more.
 */
export interface ServiceManager {
  /** The program serves; also the end of a reload, whether or not it changed anything. */
  ready(): void;
  /** A reload has begun. */
  reloading(): void;
  /** A drain has begun. */
  stopping(): void;
  /** Another process has replaced this one, which tells nothing more. */
  replacedBy(pid: number): void;
  /** Shows a text in `systemctl status` until the next one. */
  status(text: string): void;
  /** Sends what is left, for a second at most, and closes the socket. */
  close(): Promise<void>;
}

/**
 * The connection to the service manager that started the program, `undefined` if none did.
 *
 * Reads `NOTIFY_SOCKET`, `WATCHDOG_USEC`, `WATCHDOG_PID` and `RUNTIME_DIRECTORY`, where the socket
 * has its name for a moment.
 */
export function openServiceManager(
  env: Environment,
  options: ServiceManagerOptions = {},
): ServiceManager | undefined {
  try {
    const path = env.get("NOTIFY_SOCKET");
    if (!path || !/^[@/]/.test(path)) return undefined;
    const [directory] = env.get("RUNTIME_DIRECTORY")?.split(":") ?? [];
    const target = { transport: "unix", path: path.replace(/^@/, "\0") } as const;
    const socket = openDatagramSocket(target, { directory });
    return new Notifier(socket, {
      ...options,
      watchdogPeriod: watchdogPeriod(env),
    });
  } catch (error) {
    options.onError?.(messageOf(error));
    return undefined;
  }
}

/** What `systemctl status` shows about the program. */
export function describeStatus({ state, listeners }: Status): string {
  const destinations = listeners.flatMap((listener) => listener.destinations);
  const up = destinations.filter((destination) => destination.state === "up").length;
  const greeting = listeners.reduce((sum, listener) => sum + listener.greeting, 0);
  const waiting = listeners.reduce((sum, listener) => sum + listener.waiting, 0);
  const active = listeners.reduce((sum, listener) => sum + listener.active, 0);
  const greeted = greeting > 0 ? `${greeting} being greeted, ` : "";
  return `${state}: ${greeted}${waiting} waiting, ${active} being served, ` +
    `${up} of ${destinations.length} destinations up`;
}

/** Half of what the watchdog allows, in milliseconds; `undefined` if it does not watch this process. */
function watchdogPeriod(env: Environment): number | undefined {
  const pid = env.get("WATCHDOG_PID");
  if (pid && Number(pid) !== Deno.pid) return undefined;
  const micros = Number(env.get("WATCHDOG_USEC"));
  return micros > 0 ? micros / 2000 : undefined;
}

class Notifier implements ServiceManager {
  /** Leads to the service manager. */
  readonly #socket: DatagramSocket;
  /** Whom to ask how things are. */
  readonly #options: ServiceManagerOptions;
  /** Whether there is a watchdog to be fed. */
  readonly #watched: boolean;
  /** Gives the signs of life. */
  readonly #timer: Timer;
  /** Everything that is to be sent, in order. */
  #sent: Promise<void> = Promise.resolve();
  /** Whether a sign of life is being given. */
  #beating = false;
  /** Whether the program drains, for which it asks for time. */
  #stopping = false;
  /** Whether another process is the service by now. */
  #replaced = false;
  /** Whether a failure was told. */
  #failed = false;
  /** Whether nothing is sent any more. */
  #closed = false;

  constructor(
    socket: DatagramSocket,
    options: ServiceManagerOptions & { watchdogPeriod: number | undefined },
  ) {
    this.#socket = socket;
    this.#options = options;
    this.#watched = options.watchdogPeriod !== undefined;
    const period = Math.min(options.watchdogPeriod ?? Infinity, options.beat ?? BEAT_MS);
    this.#timer = every(period, () => this.#beat());
  }

  ready(): void {
    this.#tell("READY=1", `MAINPID=${Deno.pid}`);
    this.#beat();
  }

  reloading(): void {
    const micros = monotonicMicros();
    const time = micros === undefined ? [] : [`MONOTONIC_USEC=${micros}`];
    this.#tell("RELOADING=1", ...time);
  }

  stopping(): void {
    this.#stopping = true;
    this.#tell("STOPPING=1");
    this.#beat();
  }

  replacedBy(pid: number): void {
    // What the service does from now on that process tells. That this one stops is not the end of it.
    this.#tell(`MAINPID=${pid}`);
    this.#replaced = true;
    this.#timer.stop();
  }

  status(text: string): void {
    this.#tell(statusLine(text));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer.stop();
    await waitAtMost(CLOSE_MS, this.#sent);
    this.#socket.close();
  }

  /** One sign of life. A turn of the event loop and an answer of what serves are the proof. */
  async #beat(): Promise<void> {
    if (this.#beating) return;
    this.#beating = true;
    try {
      const text = await this.#options.describe?.();
      const lines = text === undefined ? [] : [statusLine(text)];
      if (this.#watched && this.#options.isAlive?.() !== false) lines.push("WATCHDOG=1");
      if (this.#stopping) lines.push(`EXTEND_TIMEOUT_USEC=${EXTENSION_MS * 1000}`);
      if (lines.length > 0) await this.#tell(...lines);
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#beating = false;
    }
  }

  #tell(...lines: string[]): Promise<void> {
    if (this.#closed || this.#replaced) return this.#sent;
    const bytes = new TextEncoder().encode(lines.join("\n"));
    return this.#sent = this.#sent.then(() => this.#socket.send(bytes)).catch(
      (error) => this.#fail(error),
    );
  }

  #fail(error: unknown): void {
    if (!this.#failed && !this.#closed) this.#options.onError?.(messageOf(error));
    this.#failed = true;
  }
}

/** A status is one line and short: the datagram has to fit into the manager's buffer. */
function statusLine(text: string): string {
  return `STATUS=${text.replace(/\s+/g, " ").slice(0, 500)}`;
}

/**
 * A time of the monotonic clock that is not before now, in microseconds.
 *
 * `Type=notify-reload` takes a message for the answer to its signal if it is no older. The runtime
 * tells the time since boot in whole seconds only, which Linux rounds up; `undefined` where it may
 * not tell.
 */
function monotonicMicros(): number | undefined {
  try {
    return Deno.osUptime() * 1_000_000;
  } catch {
    return undefined;
  }
}
