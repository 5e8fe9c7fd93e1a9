import { shareOfSlots, type ThreadPosition } from "../config/thread_shares.ts";
import type { AdminState } from "../operations/states.ts";
import type { AgentWords } from "./agent_words.ts";

/**
 * What a server has said of itself so far, beside what is configured, what the operator wants and what
 * its health is. What an answer does not mention stays as it was said before.
 */
export interface AgentReport {
  /** Its share of the configured weight: 1 is all of it, 0 takes nobody new. */
  readonly share: number;
  /** A weight instead of the configured one, if it has said so. */
  readonly weight: number | undefined;
  /** Most workers of this thread, if it has said so. */
  readonly slots: number | undefined;
  /** What it wants; `ready` if it has not said otherwise. */
  readonly admin: AdminState;
  /** Whether it takes nobody new until it says `up`. */
  readonly down: boolean;
  /** The latest words of each kind. */
  readonly said: Omit<AgentWords, "problem">;
  /** The same as a text; empty if it has said nothing. */
  readonly text: string;
}

/** What counts as long as a server has said nothing. */
export const UNREPORTED: AgentReport = {
  share: 1,
  weight: undefined,
  slots: undefined,
  admin: "ready",
  down: false,
  said: {},
  text: "",
};

/**
 * What is known of a server after one more answer; the very same as before if that told nothing new.
 *
 * @param position Which of the threads this is: each has its part of the slots.
 */
export function addWords(
  before: AgentReport,
  { words, position }: { words: AgentWords; position: ThreadPosition },
): AgentReport {
  const { problem: _, ...latest } = words;
  const said = { ...before.said, ...latest };
  const text = textOf(said);
  if (text === before.text) return before;
  const { weight, admin = "ready", health = "up", maxconn = 0 } = said;
  return {
    share: weight?.unit === "%" ? weight.value / 100 : 1,
    weight: weight?.unit === "" ? weight.value : undefined,
    slots: maxconn > 0 ? shareOfSlots(maxconn, position) : undefined,
    admin,
    down: health !== "up",
    said,
    text,
  };
}

function textOf({ weight, maxconn, admin, health, reason }: AgentReport["said"]): string {
  return [
    weight && (weight.unit === "%" ? `${weight.value}%` : `weight:${weight.value}`),
    maxconn !== undefined && `maxconn:${maxconn}`,
    admin,
    health,
    reason && `#${reason}`,
  ].filter(Boolean).join(" ");
}
