import type { Identity } from "../balancer/balancer.ts";
import type { ListenerTexts } from "../config/config.ts";
import type { BudgetShare } from "../async/shared_counts.ts";
import type { PortableRecord } from "../logging/record.ts";
import type { SessionInfo } from "../operations/operations.ts";
import type { AdminState } from "../operations/states.ts";
import type { DestinationStatus } from "../operations/destination_status.ts";
import type { ListenerStatus } from "../operations/listener_status.ts";
import type { Totals } from "../operations/totals.ts";

/** What a thread can be asked, each with its answer. */
export interface ThreadCalls {
  status: { ask: undefined; answer: ListenerStatus };
  destination: { ask: { number: number }; answer: DestinationStatus | undefined };
  sessions: { ask: { limit: number }; answer: SessionInfo[] };
  endSession: { ask: { id: number }; answer: boolean };
  setAdminState: { ask: { destination: number; state: AdminState }; answer: void };
  /** One destination is new, different or, without a text, gone. */
  replace: { ask: { number: number; text: string | undefined }; answer: void };
  reconfigure: { ask: { texts: ListenerTexts; numbers: Identity["numbers"] }; answer: void };
}

/** The name of something that a thread can be asked. */
export type ThreadCall = keyof ThreadCalls;

/** What a thread is told. */
export type ToThread =
  | {
    readonly kind: "start";
    /** What the whole is configured by; the thread takes its share. */
    readonly texts: ListenerTexts;
    readonly identity: Identity;
    /** The port to listen on. */
    readonly port: number;
    readonly index: number;
    readonly number: number;
    /** Its part in the descriptors of the process; all that there are, if absent. */
    readonly descriptors: BudgetShare | undefined;
    /** The memory of `Trails`. */
    readonly trails: SharedArrayBuffer;
  }
  | { readonly kind: "drain" }
  | { readonly kind: "quit" }
  | CallMessage<ThreadCall>;

/** A question to a thread. */
export interface CallMessage<C extends ThreadCall> {
  readonly kind: "call";
  readonly number: number;
  readonly call: C;
  readonly ask: ThreadCalls[C]["ask"];
}

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
  | { readonly kind: "drained"; readonly totals: Totals };
