import { formatDuration, parseDuration } from "../../base/duration.ts";
import type { Option } from "../option.ts";

/** Shortest time that something is away, in milliseconds, and the longest. */
const MIN_MS = 10;
const MAX_MS = 86_400_000;

/** How often something fails: a share of all, from 0 to 1, or by turns for so many milliseconds. */
export type Failures =
  | { readonly kind: "share"; readonly share: number }
  | { readonly kind: "away"; readonly ms: number };

/** How often something fails on purpose. */
export function failures(spec: { help: string }): Option<Failures> {
  return {
    form: "N%|TIME",
    default: { kind: "share", share: 0 },
    help: spec.help,
    allowed: 'a share from 0% to 100%, or a time from 10ms to 1d such as "5s"',
    parse(text) {
      const [, percent] = /^(\d{1,3}(?:\.\d{1,6})?)%$/.exec(text) ?? [];
      if (percent !== undefined) {
        return Number(percent) <= 100 ? { kind: "share", share: Number(percent) / 100 } : undefined;
      }
      const ms = parseDuration(text);
      return ms !== undefined && ms >= MIN_MS && ms <= MAX_MS ? { kind: "away", ms } : undefined;
    },
    format: (value) => {
      return value.kind === "away"
        ? formatDuration(value.ms)
        : `${Number((value.share * 100).toFixed(6))}%`;
    },
    notation: { pattern: "^([0-9]{1,3}(\\.[0-9]{1,6})?%|[0-9]+(\\.[0-9]+)?(ms|s|m|h|d))$" },
  };
}
