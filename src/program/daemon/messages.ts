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
