import { shortIp, type TcpEnd } from "./address.ts";
import type { Stream } from "./stream.ts";

/** Which listeners a session has passed, in order, each with the destination by which it left. */
export type Trail = readonly Step[];

/** One listener that a session has passed. */
export interface Step {
  /** The listener's number. */
  readonly listener: number;
  /** The number that the destination has there. */
  readonly destination: number;
}

/** A connection of this process to one of its own listeners, as long as it is open. */
export interface Note {
  /**
   * Whether the session at its other end was found to be in a loop, until it is forgotten. Of a UNIX
   * socket: whether any session there was, meanwhile.
   */
  readonly looped: boolean;
  /** To be called when the connection is closed; again does nothing. */
  forget(): void;
}

/** Where a stream keeps its note. */
const NOTE = Symbol("note");

type Noted = Stream & { [NOTE]?: Note };

/** Gives a stream its note, which is forgotten when it is closed. */
export function attach(stream: Stream, note: Note): void {
  (stream as Noted)[NOTE] = note;
  const close = stream.close;
  stream.close = function (): void {
    note.forget();
    close.call(this);
  };
}

/** The note of a stream, which few have. */
export function noteOf(stream: Stream): Note | undefined {
  return (stream as Noted)[NOTE];
}

/** Gives the note of a stream to one around it, which closes the inner one with itself. */
export function passNote(inner: Stream, outer: Stream): void {
  const note = noteOf(inner);
  if (note) (outer as Noted)[NOTE] = note;
}

/** The two ends of a connection, seen from whoever opened it. */
export type Ends = Readonly<Record<"client" | "server", Omit<TcpEnd, "transport">>>;

/** Notes that have room, and the most steps of each. A longer way is known by its beginning. */
const SLOTS = 16_384;
const STEPS = 12;

/** Words of a note: check of the addresses, ports, whether it looped, number of steps, steps. */
const WORDS = 4 + STEPS;

/**
 * Socket files of listeners that have room: listener, device, inode. And the ways to them: from, to,
 * connections, loops.
 */
const FILES = 256;
const FILE_WORDS = 5;
const WAYS = 256;
const WAY_WORDS = 4;

/** Where everything is, in 32-bit words. */
const NOTED = 0;
const LISTENED_FILES = 1;
const PORTS = 2;
const PENDING = PORTS + 65_536;
const NOTES = PENDING + 65_536;
const FILE_TABLE = NOTES + SLOTS * WORDS;
const WAY_TABLE = FILE_TABLE + FILES * FILE_WORDS;
const END = WAY_TABLE + WAYS * WAY_WORDS;

/**
 * Which way the connections have come that this process makes to its own listeners, for all of its
 * threads: memory that they share.
 *
 * Whoever connects to a port on which a listener of this process listens, on this machine, notes the
 * way of the session under both addresses of the connection; whoever accepts it finds it by the same.
 * A client that uses such a port later is another one: the note goes with the connection. Clients of
 * a UNIX socket have no address, so only what is connected at the moment is known there: which
 * listener has connections to which socket file.
 *
 * Notes that meet in the table overwrite each other; a loop is then found one round later.
 */
export class Trails {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  #datagrams: Trails | undefined;

  /** @param buffer That of the other threads; a new one if absent. */
  constructor(buffer = new SharedArrayBuffer(END * Int32Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
  }

  /** Those of UDP, which has ports of its own, and one thread. */
  get datagrams(): Trails {
    return this.#datagrams ??= new Trails();
  }

  /** A listener listens on a port from now on. */
  listen(port: number): void {
    Atomics.add(this.#words, PORTS + port, 1);
  }

  /** It does so no more. */
  unlisten(port: number): void {
    Atomics.sub(this.#words, PORTS + port, 1);
  }

  /** Whether some listener of this process listens on a port. */
  listens(port: number): boolean {
    return this.#words[PORTS + port] !== 0;
  }

  /** A connect to a port on which this process listens begins; {@linkcode endConnect} has to follow. */
  beginConnect(port: number): void {
    Atomics.add(this.#words, PENDING + port, 1);
  }

  /** Such a connect has ended, and is noted if it succeeded. */
  endConnect(port: number): void {
    Atomics.sub(this.#words, PENDING + port, 1);
  }

  /** Whether an accepted connection may be one of which a note is there, or is yet to come. */
  mayKnow(port: number): boolean {
    return this.#words[NOTED]! > 0 || this.#words[PENDING + port]! > 0;
  }

  /** Whether a note about a connection to this port may be yet to come. */
  pending(port: number): boolean {
    return Atomics.load(this.#words, PENDING + port) > 0;
  }

  /** Notes by which way a connection has come. */
  note(ends: Ends, trail: Trail): Note {
    const words = this.#words;
    const { at, check, ports } = placeOf(ends);
    if (Atomics.exchange(words, at, 0) === 0) Atomics.add(words, NOTED, 1);
    words[at + 1] = ports;
    words[at + 2] = 0;
    const steps = trail.slice(0, STEPS);
    words[at + 3] = steps.length;
    for (const [i, { listener, destination }] of steps.entries()) {
      words[at + 4 + i] = listener << 16 | destination & 0xffff;
    }
    Atomics.store(words, at, check);
    let [open, looped] = [true, false];
    const isOwn = () => words[at + 1] === ports && Atomics.load(words, at) === check;
    return {
      get looped() {
        return open ? isOwn() && Atomics.load(words, at + 2) !== 0 : looped;
      },
      forget() {
        if (!open) return;
        looped = this.looped;
        open = false;
        if (!isOwn()) return;
        Atomics.store(words, at, 0);
        Atomics.sub(words, NOTED, 1);
      },
    };
  }

  /** The way of a connection that was accepted; `undefined` if nothing is noted of it. */
  find(ends: Ends): Trail | undefined {
    const words = this.#words;
    const { at, check, ports } = placeOf(ends);
    if (Atomics.load(words, at) !== check || words[at + 1] !== ports) return undefined;
    const steps = words.slice(at + 4, at + 4 + Math.min(words[at + 3]!, STEPS));
    // Somebody else may have written meanwhile.
    if (Atomics.load(words, at) !== check || words[at + 1] !== ports) return undefined;
    return Array.from(steps, (step) => ({ listener: step >>> 16, destination: step & 0xffff }));
  }

  /** Tells whoever opened a connection that its session was in a loop. */
  mark(ends: Ends): void {
    const { at, check, ports } = placeOf(ends);
    if (Atomics.load(this.#words, at) !== check || this.#words[at + 1] !== ports) return;
    Atomics.store(this.#words, at + 2, 1);
  }

  /**
   * Forgets all notes: a thread has ended without taking its own back. What the others take back after
   * this may count below zero, which is none as well.
   */
  clear(): void {
    this.#words.fill(0, NOTES, FILE_TABLE);
    this.#words.fill(0, PENDING, NOTES);
    this.#words.fill(0, WAY_TABLE, END);
    Atomics.store(this.#words, NOTED, 0);
  }

  /** A listener listens at a path from now on. Returns what ends that. */
  listenAt(path: string, listener: number): () => void {
    const words = this.#words;
    const file = fileAt(path);
    if (!file) return () => {};
    for (let at = FILE_TABLE; at < WAY_TABLE; at += FILE_WORDS) {
      if (Atomics.compareExchange(words, at, 0, listener) !== 0) continue;
      words.set(file, at + 1);
      Atomics.add(words, LISTENED_FILES, 1);
      return () => {
        Atomics.sub(words, LISTENED_FILES, 1);
        words.fill(0, at + 1, at + FILE_WORDS);
        Atomics.store(words, at, 0);
      };
    }
    return () => {};
  }

  /** The listener of this process that listens at a path, under whatever name. */
  listenerAt(path: string): number | undefined {
    const words = this.#words;
    if (words[LISTENED_FILES] === 0) return undefined;
    const file = fileAt(path);
    if (!file) return undefined;
    for (let at = FILE_TABLE; at < WAY_TABLE; at += FILE_WORDS) {
      if (words[at] !== 0 && file.every((word, i) => words[at + 1 + i] === word)) return words[at]!;
    }
    return undefined;
  }

  /** One more connection of a listener to the socket file of another one. */
  noteWay(from: number, to: number): Note {
    const words = this.#words;
    for (let at = WAY_TABLE; at < END; at += WAY_WORDS) {
      if (words[at] === 0 && Atomics.compareExchange(words, at, 0, from) === 0) words[at + 1] = to;
      if (words[at] !== from || words[at + 1] !== to) continue;
      Atomics.add(words, at + 2, 1);
      const before = Atomics.load(words, at + 3);
      let [open, looped] = [true, false];
      return {
        get looped() {
          return open ? Atomics.load(words, at + 3) !== before : looped;
        },
        forget() {
          if (!open) return;
          looped = this.looped;
          open = false;
          Atomics.sub(words, at + 2, 1);
        },
      };
    }
    return { looped: false, forget() {} };
  }

  /** Tells whoever has connections to the socket file of a listener that one of these was in a loop. */
  markWays(to: number): void {
    for (let at = WAY_TABLE; at < END && this.#words[at] !== 0; at += WAY_WORDS) {
      if (this.#words[at + 1] === to) Atomics.add(this.#words, at + 3, 1);
    }
  }

  /** The listeners to which one leads by socket files alone, itself included. */
  reach(listener: number): ReadonlySet<number> {
    const words = this.#words;
    const reached = new Set([listener]);
    for (const from of reached) {
      for (let at = WAY_TABLE; at < END && words[at] !== 0; at += WAY_WORDS) {
        if (words[at] === from && words[at + 2]! > 0) reached.add(words[at + 1]!);
      }
    }
    return reached;
  }
}

/** Where the note of a connection is, and what has to be there if it is its own. */
function placeOf({ client, server }: Ends): { at: number; check: number; ports: number } {
  const ports = client.port << 16 | server.port;
  let hash = ports ^ 0x9e3779b9;
  for (const text of [shortIp(client.hostname), ">", shortIp(server.hostname)]) {
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  hash ^= hash >>> 15;
  return { at: NOTES + (hash >>> 0) % SLOTS * WORDS, check: hash | 1, ports };
}

/** Device and inode of a file, which are the same under each of its names. */
function fileAt(path: string): number[] | undefined {
  try {
    const { dev, ino } = Deno.statSync(path);
    if (ino === null) return undefined;
    return [dev | 0, Math.floor(dev / 2 ** 32) | 0, ino | 0, Math.floor(ino / 2 ** 32) | 0];
  } catch {
    return undefined;
  }
}
