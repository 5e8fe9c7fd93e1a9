import type { ChildStatus } from "../operations/child_status.ts";
import { after, type Timer } from "../base/timer.ts";
import type { Stream } from "../net/stream.ts";
import type { Outcome } from "./owner.ts";
import { PooledProcess } from "./pooled_process.ts";

/** Of how many processes that have ended it is kept what they did: the latest ones. */
const KEPT_ENDED = 64;

/** How long one may take to end by itself, after which it is killed, in milliseconds. */
const END_MS = 5000;

/** How many processes there are; as they are now. */
export interface PoolSettings {
  /** Spare ones that there are to be at least. */
  readonly minSpare: number;
  /** Spare ones beyond which one that is done ends. */
  readonly maxSpare: number;
  /** Most of them, those that serve included. */
  readonly most: number;
  /** Sessions after which one ends; 0 = never. */
  readonly sessions: number;
}

/** Options of {@linkcode ProcessPool}. */
export interface ProcessPoolOptions {
  /** Whether the service can see to the end of a session when it is told to. */
  readonly finishes: boolean;
  settings(): PoolSettings;
  /**
   * Takes the descriptors of a process that has no session, and returns what gives them back;
   * `undefined` if sessions need them. While it has a session they are the session's.
   */
  claim(): (() => void) | undefined;
  /**
   * Starts a process.
   *
   * @param onEnd Told when it has ended.
   * @throws If it cannot be started.
   */
  start(onEnd: () => void): { readonly pid: number; readonly raw: Stream & { finish(): void } };
}

/** Processes that are started before there is something to do, each for one session after the other. */
export class ProcessPool {
  readonly #options: ProcessPoolOptions;
  /** Those that have no session, the one that had the latest at the end. */
  readonly #spare: PooledProcess[] = [];
  /** All that live, those that end among them. */
  readonly #all = new Set<PooledProcess>();
  /** What gives back the descriptors of those that have no session, those that end among them. */
  readonly #claims = new Map<PooledProcess, () => void>();
  /** What the latest of those that have ended did. */
  readonly #ended: ChildStatus[] = [];
  /** What kills those that are to end by themselves. */
  readonly #ending = new Map<PooledProcess, Timer>();
  #finishing = false;

  constructor(options: ProcessPoolOptions) {
    this.#options = options;
  }

  /** What each of them has done. */
  get children(): ChildStatus[] {
    return [...this.#ended, ...[...this.#all].map(statusOf)];
  }

  /** Starts as many spare ones as there are to be. */
  fill(): void {
    const { minSpare, most } = this.#options.settings();
    while (!this.#finishing && this.#spare.length < minSpare && this.#all.size < most) {
      const release = this.#options.claim();
      if (!release) return;
      try {
        const process = this.#start();
        this.#claims.set(process, release);
        this.#spare.push(process);
      } catch {
        // Who needs one is told.
        return release();
      }
    }
  }

  /**
   * A session with a spare process, or with a new one.
   *
   * @throws If there is none and none can be started.
   */
  open(): Stream {
    return this.#begin((process, onOver) => process.open(onOver));
  }

  /** One of datagrams that come from this port, otherwise as {@linkcode open}. */
  exchange(port: number): Stream {
    return this.#begin((process, onOver) => process.exchange(port, onOver));
  }

  #begin(open: (process: PooledProcess, onOver: (outcome: Outcome) => void) => Stream): Stream {
    const process = this.#spare.pop() ?? this.#start();
    this.#release(process);
    const stream = open(process, (outcome) => this.#over(process, outcome));
    this.fill();
    return stream;
  }

  /** Whether they are to come to an end: those that serve as soon as they are done. */
  finish(finishing: boolean): void {
    this.#finishing = finishing;
    if (!finishing) return this.fill();
    for (const process of this.#spare.splice(0)) this.#end(process);
    if (this.#options.finishes) { for (const process of this.#all) process.finish(); }
  }

  /** Nobody needs them any more: those that live are killed. */
  close(): void {
    this.#finishing = true;
    for (const process of [...this.#all]) {
      process.close();
      this.#gone(process);
    }
  }

  /** One that does not end, though nobody keeps it, would stay in the place of others. */
  #end(process: PooledProcess): void {
    process.end();
    this.#ending.set(process, after(END_MS, () => process.close()));
  }

  #start(): PooledProcess {
    const { pid, raw } = this.#options.start(() => this.#gone(process));
    const process: PooledProcess = new PooledProcess(pid, raw);
    this.#all.add(process);
    return process;
  }

  /** A session is over. */
  #over(process: PooledProcess, outcome: Outcome): void {
    if (!this.#all.has(process)) return;
    if (outcome === "killed") return this.#gone(process);
    const { maxSpare, sessions } = this.#options.settings();
    const isDone = sessions > 0 && process.sessions >= sessions;
    const release = this.#options.claim();
    if (release) this.#claims.set(process, release);
    // Without descriptors of its own it must not stay: those of its session are the next one's.
    const isSpare = release && !this.#finishing && !process.finishing && !isDone;
    if (isSpare && this.#spare.length < maxSpare) this.#spare.push(process);
    else this.#end(process);
    this.fill();
  }

  #release(process: PooledProcess): void {
    this.#claims.get(process)?.();
    this.#claims.delete(process);
  }

  /** It has ended, or was killed. None is started in its place before somebody needs one. */
  #gone(process: PooledProcess): void {
    if (!this.#all.delete(process)) return;
    this.#ending.get(process)?.stop();
    this.#ending.delete(process);
    // Nobody would read the end of its output, which is what closes that otherwise.
    if (!process.busy) process.close();
    this.#release(process);
    const at = this.#spare.indexOf(process);
    if (at >= 0) this.#spare.splice(at, 1);
    this.#ended.push({ ...statusOf(process), active: 0 });
    if (this.#ended.length > KEPT_ENDED) this.#ended.shift();
  }
}

function statusOf({ pid, sessions, busy }: PooledProcess): ChildStatus {
  return { name: `process ${pid}`, accepted: sessions, active: Number(busy) };
}
