import { quantile } from "./statistics.ts";

/** One try of a client: when it came, and when it was answered in time, in ms since the beginning. */
export interface Try {
  readonly cameAt: number;
  readonly answeredAt: number | undefined;
  /** Which client it was, where that matters: 0 is the greedy one. */
  readonly client?: number | undefined;
}

/** What became of the tries that came, or were answered, within the time that counts. */
export interface Tally {
  /** Answered in time. */
  readonly answered: number;
  /** Tries of clients. */
  readonly offered: number;
  readonly seconds: number;
  /** The share of the clients that are not the greedy one that was answered; none if it does not matter. */
  readonly others: number;
  /** Milliseconds from a connect to the answer, of those who were answered in time. */
  readonly p50: number;
  readonly p99: number;
  /** Seconds from the calm on until clients are answered in time again; infinite if that was not seen. */
  readonly recovery: number;
  /** Answers in time in each second from the beginning on. */
  readonly timeline: readonly number[];
}

/** Clients have recovered once so many of a hundred, of all who come from then on, are answered in time. */
const WELL = 0.95;

/** … and of those of the first second of that. */
const WELL_AT_FIRST = 0.9;

/** How exactly that moment is looked for, in milliseconds. */
const STEP_MS = 100;

/** What came of tries within `from` to `to` seconds, and since the calm began at `calmAt` seconds. */
export function tally(
  tries: readonly Try[],
  { from, to, calmAt = from }: { from: number; to: number; calmAt?: number | undefined },
): Tally {
  const within = (at: number) => at >= from * 1000 && at < to * 1000;
  const good = tries.filter(({ answeredAt }) => answeredAt !== undefined && within(answeredAt));
  const waits = good.map(({ cameAt, answeredAt }) => answeredAt! - cameAt);
  const timeline = new Array<number>(Math.ceil(to)).fill(0);
  for (const { answeredAt } of tries) {
    const second = Math.floor((answeredAt ?? Infinity) / 1000);
    if (second < timeline.length) timeline[second]!++;
  }
  return {
    answered: good.length,
    offered: tries.filter(({ cameAt }) => within(cameAt)).length,
    seconds: to - from,
    others: share(tries.filter(({ cameAt, client = 0 }) => client > 0 && within(cameAt))),
    p50: quantile(waits, 0.5),
    p99: quantile(waits, 0.99),
    recovery: recovery(tries.filter(({ cameAt }) => cameAt < to * 1000), calmAt * 1000),
    timeline,
  };
}

function recovery(tries: readonly Try[], calmAt: number): number {
  const sorted = tries.toSorted((a, b) => a.cameAt - b.cameAt);
  const last = sorted.at(-1)?.cameAt ?? 0;
  for (let at = calmAt; at + 1000 <= last; at += STEP_MS) {
    const rest = sorted.filter(({ cameAt }) => cameAt >= at);
    const first = rest.filter(({ cameAt }) => cameAt < at + 1000);
    if (share(rest) >= WELL && share(first) >= WELL_AT_FIRST) return (at - calmAt) / 1000;
  }
  return Infinity;
}

function share(tries: readonly Try[]): number {
  return tries.filter(({ answeredAt }) => answeredAt !== undefined).length / tries.length;
}
