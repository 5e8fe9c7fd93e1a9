import type { BufferPool } from "../net/buffer_pool.ts";
import type { FairReads } from "../net/fair_reads.ts";
import type { Stream } from "../net/stream.ts";
import type { Ahead } from "./read_ahead.ts";
import type { Flow } from "./flow.ts";
import type { Unanswered } from "./unanswered.ts";

/** How one direction came to its end: the sender finished, or one of the sockets failed. */
export type PumpEnd = "ended" | "read-failed" | "write-failed";

/** What all directions share. */
export interface PumpOptions {
  readonly buffers: BufferPool;
  readonly fairReads: FairReads;
}

/** One direction, and where its copying begins. */
export interface Direction {
  readonly from: Stream;
  readonly to: Stream;
  readonly flow: Flow;
  /** The buffer to begin with, which the pump gives back, and the read that may be under way. */
  readonly begin: Ahead;
  /** Is told of everything that is passed on, while it wants that; not needed for answers. */
  readonly unanswered: Unanswered | undefined;
  /** Learns of the direction's first byte. */
  readonly observer: PumpObserver;
}

/** Learns what happens in a direction. */
export interface PumpObserver {
  /** The first byte has arrived. */
  onFirstByte(flow: Flow): void;
}

/**
 * Copies one direction until its sender has finished or one of the sockets has failed.
 *
 * The next read waits for the write before it, so that it holds one buffer at the most.
 */
export async function pump(direction: Direction, options: PumpOptions): Promise<PumpEnd> {
  const { buffers, fairReads } = options;
  const { from, to, flow, begin, unanswered } = direction;
  let { buffer, pending } = begin;
  /** The bytes read, as a view of `buffer`: made anew only if their number or place changes. */
  let view: Uint8Array = buffer;
  /** The buffer that it is a view of. */
  let of = buffer;
  /** Whether a small write may not be delayed any more; see {@linkcode Stream.sendPromptly}. */
  let prompt = false;
  try {
    for (;;) {
      let received: number;
      if (pending === undefined && !fairReads.take()) await fairReads.turn();
      try {
        received = await (pending ?? from.read(buffer));
      } catch {
        return "read-failed";
      }
      // A read that had begun before a hold, or with the session, does not go on in it.
      if (fairReads.held) await fairReads.turn();
      if (received === 0) return "ended";
      flow.received += received;
      if (pending !== undefined) {
        if (flow.received === received) direction.observer.onFirstByte(flow);
        view = buffer.subarray(begin.length, begin.length + received);
      } else if (view.length !== received || of !== buffer) {
        of = buffer;
        view = received === buffer.length ? buffer : buffer.subarray(0, received);
      }
      if (!prompt && flow.bytes > 0) {
        prompt = true;
        to.sendPromptly();
      }
      // Before the write: an answer may be here sooner than the write's own end.
      if (unanswered !== undefined && unanswered.noted) unanswered.ask();
      try {
        const sent = await to.write(view);
        if (sent < received && !await send(to, view.subarray(sent))) return "write-failed";
      } catch {
        return "write-failed";
      }
      flow.bytes += received;
      if (pending !== undefined) {
        pending = undefined;
        view = of = buffer;
      }
      buffer = buffers.adapt(buffer, received);
    }
  } finally {
    buffers.give(buffer);
  }
}

/** Writes all of the bytes; `false` if the socket failed. */
export async function send(to: Stream, bytes: Uint8Array): Promise<boolean> {
  try {
    for (let sent = 0; sent < bytes.length;) {
      sent += await to.write(sent === 0 ? bytes : bytes.subarray(sent));
    }
    return true;
  } catch {
    return false;
  }
}
