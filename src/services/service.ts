import { getLogger, type Logger } from "@logtape/logtape";
import { pipe } from "../net/pipe.ts";
import type { Stream } from "../net/stream.ts";

/** What a service gets to know of whom it serves. */
export interface Client {
  /** The client's address as text; `-` if it is for nobody, as a check is. */
  readonly name: string;
  /** Its port, if it has one. */
  readonly port?: number;
}

/** What services have of the program that they are in. */
export interface ServiceContext {
  /** Shows lines on standard output; resolves when there is room for more. */
  show(lines: string): Promise<void>;
  readonly log: Logger;
  /** How long a program that is to end has for it after SIGTERM, in milliseconds. */
  grace(): number;
  /** Whether clients send datagrams. */
  readonly datagrams?: boolean;
  /**
   * Takes the descriptors of a process that waits for a session, and returns what gives them back;
   * `undefined` if there are none. Absent if they are not counted.
   */
  claimProcess?(): (() => void) | undefined;
}

/** What services have that show nothing to anybody. */
export const SILENT: ServiceContext = {
  show: () => Promise.resolve(),
  grace: () => 0,
  log: getLogger("iawlb"),
};

/** A service of this program: what there is at the other end of sessions that no server has. */
export interface Service {
  /**
   * A connection to it, which is the caller's. It reads and writes at the pace of its client: whatever
   * that does, nothing piles up here.
   */
  connect(client: Client): Stream;
  /** The same for datagrams: each write and each read is one. Absent if it speaks over connections only. */
  exchange?(client: Client): Stream;
  /**
   * Whether those who are served are to come to an end, as far as the service can see to that: one
   * that says when something is over does, one whose client says it does not.
   */
  finish?(finishing: boolean): void;
}

/**
 * The stream to a conversation that is held by a function, which gets the other end and need not close
 * it. A client that leaves in the middle ends it; whatever else goes wrong is a defect.
 */
export function converse(
  hold: (stream: Stream) => Promise<void>,
  { log }: Pick<ServiceContext, "log">,
): Stream {
  const { near, far } = pipe();
  hold(far).catch((error) => {
    if (!isGone(error)) log.error("a service failed, which is a defect: {error}", { error });
  }).finally(() => far.close());
  return near;
}

/** Whether an error says no more than that the other end has left. */
export function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.BadResource || error instanceof Deno.errors.BrokenPipe;
}
