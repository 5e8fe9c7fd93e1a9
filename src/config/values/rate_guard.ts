import { DURATION_FORM, formatDuration, parseDuration } from "../../base/duration.ts";
import type { Option } from "../option.ts";

/** Most sessions that can be counted, and the longest times, in milliseconds. */
const MOST = 1_000_000;
const LONGEST_MS = 86_400_000;

/** How many sessions are too many, and what follows. Times are in milliseconds. */
export interface RateGuard {
  /** Most new sessions within the window. */
  readonly most: number;
  readonly window: number;
  /** How long nobody is let in after that. */
  readonly pause: number;
}

/** Most new sessions within a time, `null` for any number. */
export function rateGuard(spec: { help: string }): Option<RateGuard | null> {
  return {
    form: "off|N/TIME[/TIME]",
    default: null,
    help: spec.help,
    allowed: `off, or N/TIME or N/TIME/TIME with a whole number from 1 to ${MOST} and times from ` +
      `10ms to 1d, such as 256/1m/10m; TIME is ${DURATION_FORM}`,
    parse(text) {
      if (text === "off") return null;
      const [number = "", ...times] = text.split("/");
      const most = /^\d{1,7}$/.test(number) ? Number(number) : NaN;
      const [window, pause = window, ...more] = times.map(parseTime);
      if (!(most >= 1 && most <= MOST) || more.length > 0) return undefined;
      if (window === undefined || times.some((time) => parseTime(time) === undefined)) {
        return undefined;
      }
      return { most, window, pause: pause! };
    },
    format(value) {
      if (value === null) return "off";
      const times = [value.window, value.pause].map(formatDuration);
      return [value.most, ...times].join("/");
    },
    notation: {
      words: ["off"],
      pattern: "^[0-9]{1,7}(/[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)){1,2}$",
    },
  };
}

function parseTime(text: string): number | undefined {
  const ms = parseDuration(text);
  return ms !== undefined && ms >= 10 && ms <= LONGEST_MS ? ms : undefined;
}
