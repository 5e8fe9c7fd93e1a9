import { shareOfSlots, type ThreadPosition } from "../config/thread_shares.ts";
import type { AdminState } from "../operations/states.ts";
import type { AgentWords } from "./agent_words.ts";

/**
 * What a server has said of itself so far, beside what is configured, what the operator wants and what
 * its health is. What an answer does not mention stays as it was said before.
 */
export interface AgentReport {
  /** The latest words of each kind. */
  readonly said: Omit<AgentWords, "problem">;
  /** What it wants; `ready` if it has not said otherwise. */
  readonly admin: AdminState;
  /** Whether it takes nobody new until it says `up`. */
  readonly down: boolean;
  /** Most workers of this thread, if it has said so. */
  readonly slots: number | undefined;
  /** All that it has said, in its words; empty if that is nothing. */
  readonly text: string;
}

/** What counts as long as a server has said nothing. */
export const UNREPORTED: AgentReport = {
  said: {},
  admin: "ready",
  down: false,
  slots: undefined,
  text: "",
};

/**
 * Weights are multiples of one in so many: enough for the steps of a slow start and for percentages,
 * and a power of two, so that sums and products of them are exact.
 */
const WEIGHT_SCALE = 64;

/** The greatest weight, as in HAProxy. */
const MOST_WEIGHT = 256;

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
  const { admin = "ready", health = "up", maxconn = 0 } = said;
  const slots = maxconn > 0 ? shareOfSlots(maxconn, position) : undefined;
  return { said, admin, down: health !== "up", slots, text };
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

/** A configured weight after what the server has made of it; 0 stays 0. */
export function reportedWeight(configured: number, { said: { weight } }: AgentReport): number {
  if (weight === undefined || configured === 0) return configured;
  const { value, unit } = weight;
  if (unit === "" || value === 0) return value;
  return roundWeight(Math.min(configured * value / 100, MOST_WEIGHT));
}

/** A weight of more than 0 as policies can calculate with it. */
export function roundWeight(weight: number): number {
  return Math.max(1, Math.round(weight * WEIGHT_SCALE)) / WEIGHT_SCALE;
}
