import type { BudgetShare } from "../async/shared_counts.ts";
import type { Identity, Replacement } from "../balancer/balancer.ts";
import type { ListenerConfig } from "../config/config.ts";
import type { DestinationConfig } from "../config/destination_text.ts";
import type { ThreadPosition } from "../config/thread_shares.ts";
import type { PortableRecord } from "../logging/record.ts";
import type { DestinationStatus } from "../operations/destination_status.ts";
import type { ListenerStatus } from "../operations/listener_status.ts";
import type { InspectionBegun, InspectionRecord, ListenerWish } from "../operations/inspection.ts";
import type { ListenerSample } from "../operations/sample.ts";
import type { SessionInfo } from "../operations/operations.ts";
import type { AdminState } from "../operations/states.ts";
import type { Totals } from "../operations/totals.ts";

/** What a thread runs by, its share of every limit; its destinations are sent before. */
export type ThreadConfig = Omit<ListenerConfig, "destinations">;

/** What a thread can be asked, each with its answer. */
export interface ThreadCalls {
  /** Whether it lives. */
  ping: { ask: undefined; answer: void };
  status: { ask: undefined; answer: ListenerStatus };
  destination: { ask: { number: number }; answer: DestinationStatus | undefined };
  sample: { ask: { limit: number }; answer: ListenerSample };
  sessions: { ask: { limit: number }; answer: SessionInfo[] };
  endSession: { ask: { id: number }; answer: boolean };
  inspect: { ask: ListenerWish; answer: InspectionBegun };
  readInspection: {
    ask: { number: number };
    answer: readonly InspectionRecord[] | undefined;
  };
  endInspection: { ask: { number: number }; answer: number };
  setAdminState: { ask: { destination: number; state: AdminState }; answer: void };
  replace: { ask: Replacement; answer: void };
  reconfigure: {
    ask: { config: ThreadConfig; numbers: Identity["numbers"] };
    answer: void;
  };
}

/** The name of something that a thread can be asked. */
export type ThreadCall = keyof ThreadCalls;

/** What runs a thread, or a process in its place. */
export interface ThreadWorker {
  onmessage: ((event: MessageEvent) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  postMessage(message: ToThread): void;
  terminate(): void;
}

/** What a thread begins with. */
export interface StartMessage {
  readonly kind: "start";
  readonly config: ThreadConfig;
  readonly identity: Identity;
  /** What operators want of destinations, by their numbers. */
  readonly adminStates: ReadonlyMap<number, AdminState>;
  readonly thread: ThreadPosition;
  /** Its part in the descriptors of the process; all that there are, if absent. */
  readonly descriptors: BudgetShare | undefined;
  /** What `trustNobodyElse` has said; absent where it is another process. */
  readonly trustsNobodyElse: boolean | undefined;
  /** The memory of `Trails`. */
  readonly trails: SharedArrayBuffer;
  /** The memory of `LimitBoards`. */
  readonly boards: SharedArrayBuffer;
}

/**
 * Some destinations of the `start` or `reconfigure` that follows. However many there are, they come in
 * parts, so that nothing else waits for long.
 */
export interface DestinationsMessage {
  readonly kind: "destinations";
  readonly destinations: readonly DestinationConfig[];
}

/** What a thread is told. */
export type ToThread =
  | StartMessage
  | DestinationsMessage
  | { readonly kind: "drain" }
  | { readonly kind: "quit" }
  | CallMessage<ThreadCall>;

/** A question to a thread, which it answers once: with an answer or an error. */
export interface CallMessage<C extends ThreadCall> {
  readonly kind: "call";
  readonly number: number;
  readonly call: C;
  readonly ask: ThreadCalls[C]["ask"];
}

/** A question whose name tells what is asked. */
export type AnyCall = { [C in ThreadCall]: CallMessage<C> }[ThreadCall];

/** What a thread tells. */
export type FromThread =
  | { readonly kind: "listening"; readonly address: string }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "log"; readonly record: PortableRecord }
  | { readonly kind: "access"; readonly lines: string }
  | {
    readonly kind: "answer";
    /** That of the question. */
    readonly number: number;
    readonly answer: ThreadCalls[ThreadCall]["answer"];
  }
  | { readonly kind: "error"; readonly number: number; readonly message: string }
  | { readonly kind: "drained"; readonly totals: Totals };
