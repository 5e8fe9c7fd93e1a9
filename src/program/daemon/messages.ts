/** The variable of the environment by which a process knows who has started it and waits for it. */
export const STARTER_VARIABLE = "IAWLB_STARTER";

/** What is in that variable, as JSON. */
export interface StarterNote {
  /** The socket at which the starter waits. */
  readonly socket: string;
  /** What relative paths mean, if not the working directory: it becomes a daemon then. */
  readonly folder?: string;
}

/** What a process tells its starter. */
export type ToStarter =
  /** It is there, and signals do not end it any more. */
  | "here"
  /** It serves. */
  | "serving"
  /** A line for the starter's terminal: it has none itself. */
  | { readonly complaint: string };

/** Most characters of a complaint that are told, and most bytes of a message as a line. */
const MAX_COMPLAINT = 40_000;
export const MAX_MESSAGE = 256 * 1024;

/** A message as a line of JSON. */
export function writeMessage(message: ToStarter): Uint8Array {
  const told = typeof message === "string"
    ? message
    : { complaint: message.complaint.slice(0, MAX_COMPLAINT) };
  return new TextEncoder().encode(`${JSON.stringify(told)}\n`);
}

/**
 * The message that a line is; `undefined` if it is none. Root reads them from a process that strangers
 * reach, and that is somebody else's: nothing is taken for granted.
 */
export function readMessage(line: Uint8Array): ToStarter | undefined {
  try {
    const message: unknown = JSON.parse(new TextDecoder().decode(line));
    if (message === "here" || message === "serving") return message;
    const { complaint } = Object(message);
    return typeof complaint === "string" ? { complaint } : undefined;
  } catch {
    return undefined;
  }
}
