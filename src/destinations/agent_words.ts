import type { AdminState } from "../operations/states.ts";

/** Longest reason of an agent that is kept, in characters. */
const LONGEST_REASON = 80;

/** Longest word that is shown of those that mean nothing. */
const LONGEST_WORD = 40;

/** HAProxy takes no more percents, and no greater weight. */
const MOST_PERCENT = 25_600;
const MOST_WEIGHT = 256;

/** More slots than any destination can have. */
const MOST_SLOTS = 1_000_000;

/** The words for the health of a server. */
const HEALTH = ["up", "down", "fail", "stopped"] as const;
const ADMIN = ["ready", "drain", "maint"] as const;

/** What an agent makes of the weight: so many percent of the configured one, or another one. */
export interface SaidWeight {
  readonly value: number;
  readonly unit: "%" | "";
}

/** What one answer of an agent says; it says nothing about what is absent. */
export interface AgentWords {
  readonly weight?: SaidWeight;
  /** Most sessions, 0 for no limit. */
  readonly maxconn?: number;
  readonly admin?: AdminState;
  readonly health?: typeof HEALTH[number];
  /** Why the health is what it is; empty if that was not said. Printable ASCII. */
  readonly reason?: string;
  /** The first word that means nothing, cut and printable. The others count all the same. */
  readonly problem?: string;
}

/**
 * Reads one line of an agent, without its end, each byte as a character.
 *
 * Words are separated by blanks, tabs and commas, in any order and case; of several of one kind the
 * last one counts, and whatever follows a word that begins with `#` is the reason for the health. A
 * word that means nothing changes nothing, and neither does one with a number that is not allowed.
 * This is how HAProxy reads it.
 *
 * @see https://docs.haproxy.org/3.2/configuration.html#agent-check, and
 * `tcpcheck_agent_expect_reply` in its src/tcpcheck.c
 */
export function readAgentLine(line: string): AgentWords {
  // In the middle of a word it is part of that.
  const sharp = /(?<![^ \t,])#/.exec(line)?.index ?? line.length;
  const reason = line.slice(sharp + 1).trim();
  let weight: string | undefined;
  let maxconn: string | undefined;
  let admin: AdminState | undefined;
  let health: AgentWords["health"];
  let problem: string | undefined;
  for (const word of line.slice(0, sharp).split(/[ \t,]+/)) {
    if (word === "") continue;
    const lower = word.toLowerCase();
    const [isHealth, isAdmin] = [HEALTH.find((w) => w === lower), ADMIN.find((w) => w === lower)];
    if (isHealth) health = isHealth;
    else if (isAdmin) admin = isAdmin;
    else if (/^\d.*%/s.test(word) || lower.startsWith("weight:")) weight = word;
    else if (lower.startsWith("maxconn:")) maxconn = word;
    else problem ??= word;
  }
  const readWeight = weight === undefined ? undefined : weightOf(weight);
  const readMaxconn = maxconn === undefined ? undefined : maxconnOf(maxconn);
  if (weight !== undefined && !readWeight) problem ??= weight;
  if (maxconn !== undefined && readMaxconn === undefined) problem ??= maxconn;
  return {
    ...(readWeight && { weight: readWeight }),
    ...(readMaxconn !== undefined && { maxconn: readMaxconn }),
    ...(admin && { admin }),
    ...(health && { health, reason: printable(reason, LONGEST_REASON) }),
    ...(problem !== undefined && { problem: printable(problem, LONGEST_WORD) }),
  };
}

function weightOf(word: string): SaidWeight | undefined {
  const [, digits, unit] = /^(?:weight:)?\+?(\d+)(%?)$/i.exec(word) ?? [];
  if (digits === undefined) return undefined;
  const value = Number(digits);
  if (unit === "%") return { value: Math.min(value, MOST_PERCENT), unit };
  return value <= MOST_WEIGHT ? { value, unit: "" } : undefined;
}

function maxconnOf(word: string): number | undefined {
  const [, digits] = /^maxconn:\+?(\d+)$/i.exec(word) ?? [];
  return digits === undefined ? undefined : Math.min(Number(digits), MOST_SLOTS);
}

/** What strangers wrote, in characters that change nothing where they are shown. */
function printable(text: string, longest: number): string {
  const cut = text.length <= longest ? text : `${text.slice(0, longest - 3)}...`;
  return cut.replace(/[^ -~]/g, "?");
}
