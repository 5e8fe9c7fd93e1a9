/** What becomes of a process after a session: it can have another one, or it was killed. */
export type Outcome = "free" | "killed";

/** What a session has of its process. */
export interface Owner {
  kill(): void;
  /** Whether the process has ended. */
  isGone(): boolean;
  onOver(outcome: Outcome): void;
}
