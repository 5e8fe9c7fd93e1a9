import { type HistoryQuery, SPAN_NAMES } from "../operations/history.ts";
import { invalid } from "./responses.ts";

/** Longest name of a listener. */
const MAX_TEXT = 300;

/**
 * The parameters of a request, each of which may be given once.
 *
 * @throws {HttpError} If there are others; all that are wrong are named.
 */
export function readParameters<N extends string>(
  query: URLSearchParams,
  names: readonly N[],
): Partial<Record<N, string>> {
  const errors: string[] = [];
  const values: Partial<Record<N, string>> = {};
  for (const name of new Set(query.keys())) {
    const known = names.find((one) => one === name);
    const [text, second] = query.getAll(name);
    if (known === undefined) {
      const all = names.map((one) => JSON.stringify(one)).join(", ");
      const only = names.length === 1 ? `the only one is ${all}` : `must be one of ${all}`;
      errors.push(`${JSON.stringify(name)}: no such parameter; ${only}`);
    } else if (second !== undefined) {
      errors.push(`${name} ${JSON.stringify(second)}: must be given once`);
    } else values[known] = text!;
  }
  if (errors.length > 0) throw invalid(errors);
  return values;
}

/**
 * Which part of the history is asked for.
 *
 * @throws {HttpError} If a parameter is not allowed.
 */
export function readHistoryQuery(query: URLSearchParams): HistoryQuery {
  const { span = SPAN_NAMES[0]!, listener } = readParameters(query, ["span", "listener"]);
  const known = SPAN_NAMES.find((name) => name === span);
  if (known === undefined) {
    throw invalid([`span ${JSON.stringify(span)}: must be ${SPAN_NAMES.join(" or ")}`]);
  }
  if (listener !== undefined && (listener === "" || listener.length > MAX_TEXT)) {
    throw invalid([`listener: must be the number or the name of a listener`]);
  }
  return { span: known, listener };
}
