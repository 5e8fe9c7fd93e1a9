import { UsageError } from "../base/errors.ts";
import { quote } from "../base/text.ts";
import { type Span, SPAN_NAMES } from "../operations/history.ts";
import type { CtlCommand } from "./command.ts";
import { historyLines } from "./history_lines.ts";
import { isHistory } from "./shapes.ts";

/** `iawlb ctl history`: what it did, drawn. */
export const HISTORY: CtlCommand = {
  form: "[LISTENER] [--span 5m|24h]",
  help: "what it did in the last five minutes or in a day, and what happened",
  operands: [],
  optional: 1,
  switches: ["json"],
  values: ["span"],
  check: (_, values) => void readSpan(values),
  async run({ client, operands: [listener], values, show }) {
    const ask = (span: Span, wanted: string | undefined) => {
      const query = new URLSearchParams({ span });
      if (wanted !== undefined) query.set("listener", wanted);
      return client.call(`/history?${query}`, isHistory);
    };
    const span = readSpan(values);
    let history = await ask(span, listener);
    const [only, ...others] = history.listeners;
    // Of one listener, which need not be named, there is more to tell.
    if (only && others.length === 0 && !only.destinations) {
      history = await ask(span, String(only.id));
    }
    show(historyLines(history), history);
  },
};

function readSpan(values: ReadonlyMap<string, string>): Span {
  const text = values.get("span") ?? SPAN_NAMES[0]!;
  const span = SPAN_NAMES.find((name) => name === text);
  if (span !== undefined) return span;
  throw new UsageError(`--span ${quote(text)}: must be ${SPAN_NAMES.join(" or ")}`);
}
