// @ts-check

/**
 * The latest error of a destination, without its address, which stands beside it, and without what only
 * the system's manual explains; empty if there was none.
 *
 * @param {{ address: string, last_error: { text: string } | null }} destination
 */
export function errorOf({ address, last_error }) {
  const text = (last_error?.text ?? "").replace(/ \(os error \d+\)/, "").replace(/\.$/, "");
  const bare = text.startsWith(`${address}: `) ? text.slice(address.length + 2) : text;
  // A word, not an abbreviation.
  return bare.replace(/^[A-Z](?=[a-z])/, (first) => first.toLowerCase());
}
