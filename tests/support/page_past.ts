import {
  type DestinationHistory,
  type History,
  type ListenerHistory,
  type Mark,
  type Span,
  SPANS,
} from "../../src/operations/history.ts";
import { seriesOfSeconds } from "./histories.ts";
import type { Second, SimulatedListener } from "./page_listener.ts";

/** What of the past of listeners is asked for. Times are seconds. */
export interface PastQuery {
  span: Span;
  listener?: string | undefined;
  uptime: number;
  /** From when the page was opened. */
  now: number;
  timeOf: (second: number) => string;
}

/** What listeners have done: the last minutes as they were, of the day before what is like them. */
export function playedPast(listeners: readonly SimulatedListener[], query: PastQuery): History {
  const { span, uptime, now, timeOf } = query;
  const chosen = listeners.filter(({ status: { id, name } }) =>
    query.listener === undefined || [String(id), name].includes(query.listener)
  );
  const { stepMs, steps } = SPANS[span];
  const most = Math.min(steps, Math.floor(uptime * 1000 / stepMs));
  return {
    span,
    step_ms: stepMs,
    time: timeOf(now),
    uptime_ms: uptime * 1000,
    listeners: chosen.map((one) => ofListener(one, { span, most, whole: !!query.listener })),
    marks: listeners.flatMap((one) => marksOf(one, query))
      .toSorted((a, b) => a.uptime_ms - b.uptime_ms),
  };
}

function ofListener(
  { status, seconds }: SimulatedListener,
  { span, most, whole }: { span: Span; most: number; whole: boolean },
): ListenerHistory {
  const lived = span === "5m" ? seconds.slice(-most) : dayLike(seconds, most);
  const series = seriesOfSeconds(lived);
  const { id, name } = status;
  if (!whole) return { id, name, series };
  return {
    ...{ id, name, series },
    destinations: status.destinations.map((one, i): DestinationHistory => {
      const own = (value: (second: Second["destinations"][number]) => number | null) =>
        lived.map(({ destinations }): number | null => {
          const one = destinations[i];
          return one ? value(one) : null;
        });
      return {
        id: one.id,
        name: one.name,
        series: {
          active: own(({ active }) => active),
          sessions_per_s: own(({ sessions }) => sessions),
          failures: own(({ failures }) => failures),
          bytes_up_per_s: own(({ up }) => up),
          bytes_down_per_s: own(({ down }) => down),
          session_p50_ms: own(({ session }) => session?.[0] ?? null),
          session_p99_ms: own(({ session }) => session?.[1] ?? null),
        },
      };
    }),
  };
}

/** Minutes of a day: more at noon than at night, and towards the end what was really lived. */
function dayLike(seconds: readonly Second[], minutes: number): Second[] {
  return Array.from({ length: minutes }, (_, i) => {
    const ago = minutes - 1 - i;
    const lived = seconds[seconds.length - 1 - ago * 60];
    if (lived) return lived;
    const noon = 0.55 + 0.4 * Math.sin((i / 1440) * 2 * Math.PI - 2);
    const share = noon + 0.04 * Math.sin(i / 7) + 0.03 * Math.sin(i / 2.3);
    const middle = seconds[i % 7]!;
    const scaled = (value: number) => Math.round(value * share);
    return {
      ...middle,
      waiting: share > 0.92 ? scaled(middle.accepted) / 4 : 0,
      active: scaled(middle.active),
      accepted: scaled(middle.accepted),
      ended: scaled(middle.ended),
      up: scaled(middle.up),
      down: scaled(middle.down),
      wait: share > 0.92 ? [120, 310] : [0.2, 0.6],
    };
  });
}

function marksOf({ turns, status }: SimulatedListener, query: PastQuery): Mark[] {
  const { now, uptime, timeOf } = query;
  return turns.filter(({ at, mark }) => mark && at <= now).map(({ at, server, mark }) => ({
    time: timeOf(at),
    uptime_ms: (uptime - now + at) * 1000,
    ...mark!,
    listener: status.name,
    destination: server,
  }));
}
