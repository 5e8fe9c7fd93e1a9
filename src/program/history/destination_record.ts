import { DESTINATION_COLUMNS } from "../../operations/history.ts";
import { RECENT_MS, RECENT_RATE_MS, type RecentOfDestination } from "../../operations/recent.ts";
import type { DestinationSample } from "../../operations/sample.ts";
import { quantilesOf, RecentDurations } from "./lately.ts";
import type { NewMark } from "./marks.ts";
import { Track } from "./track.ts";

/** What is kept of one destination: 49 KB for its two spans, and some KB of what was lately. */
export class DestinationRecord {
  name: string;
  readonly track = new Track(DESTINATION_COLUMNS);
  readonly durations = new RecentDurations();
  /** What was seen of it last. */
  #latest: DestinationSample;

  constructor(first: DestinationSample) {
    this.name = first.name;
    this.#latest = { ...first, state: first.state === "down" ? "up" : first.state };
  }

  /** Whether it only finished its sessions when it was seen last. */
  get leaving(): boolean {
    return this.#latest.leaving;
  }

  /** Enters what was seen after so many seconds. */
  take(sample: DestinationSample, seconds: number): void {
    this.name = sample.name;
    this.#latest = sample;
    this.durations.add(sample.session);
    const { active, sessions, failures, bytes_up, bytes_down } = sample;
    const values = [active, sessions, failures, bytes_up, bytes_down];
    this.track.second([...values, ...quantilesOf(sample.session)], seconds);
  }

  /** What has become of it since it was seen last. */
  changes(now: DestinationSample): NewMark[] {
    const { name, state, downs } = now;
    const before = this.#latest;
    const marks: NewMark[] = [];
    if (now.leaving) return before.leaving ? [] : [removed(name)];
    const reason = now.reason === "" ? "" : `: ${now.reason}`;
    const down = () => marks.push({ kind: "down", text: `${name} is down${reason}` });
    const isOut = state === "drain" || state === "maint";
    const wasOut = before.state === "drain" || before.state === "maint";
    if (isOut && state !== before.state) {
      const text = state === "drain" ? `${name} is drained` : `${name} is in maintenance`;
      marks.push({ kind: state, text });
    }
    if (wasOut && !isOut) marks.push({ kind: "ready", text: `${name} is in service again` });
    if (isOut) return named(marks, name);
    const wasDown = before.state === "down";
    if (state === "down" && !wasDown) down();
    if (state !== "down" && wasDown) marks.push({ kind: "up", text: `${name} is up again` });
    if (state !== "down" && !wasDown && downs > 0) {
      down();
      marks.push({ kind: "up", text: `${name} is up again, within a second` });
    }
    return named(marks, name);
  }

  get recent(): RecentOfDestination {
    const [p50, p99] = this.durations.quantiles;
    const seconds = Math.min(RECENT_RATE_MS / 1000, this.track.seconds);
    return {
      sessions_per_s: seconds === 0 ? 0 : this.track.sum("sessions_per_s", seconds) / seconds,
      failures: this.track.sum("failures", RECENT_MS / 1000),
      session_p50_ms: p50,
      session_p99_ms: p99,
    };
  }
}

/** A destination that was removed. */
export function removed(name: string): NewMark {
  return { kind: "removed", text: `${name} was removed`, destination: name };
}

function named(marks: readonly NewMark[], destination: string): NewMark[] {
  return marks.map((mark) => ({ ...mark, destination }));
}
