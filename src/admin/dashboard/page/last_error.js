// @ts-check

/**
 * The latest error of a destination, without its address, which stands beside it, and without what only
 * the system's manual explains; empty if there was none.
 *
 * @param {{ address: string, last_error: { text: string } | null }} destination
 */
export function errorOf({ address, last_error }) {
  const text = (last_error?.text ?? "").replace(/ \(os error \d+\)/, "").replace(/\.$/, "");
  // A program is named without its arguments.
  const named = [address, address.split(" ")[0] ?? ""].find((one) => text.startsWith(`${one}: `));
  const bare = named === undefined ? text : text.slice(named.length + 2);
  // A word, not an abbreviation.
  return bare.replace(/^[A-Z](?=[a-z])/, (first) => first.toLowerCase());
}
