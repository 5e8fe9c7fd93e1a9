/** Letters in small, digits, hyphens and `_` in labels of at most 63, with dots between them. */
const LABELS = /^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/;

const LONGEST = 255;

/** The name of a host in small letters, without a dot at its end; `undefined` if it can be none. */
export function hostName(bytes: Uint8Array): string | undefined {
  if (bytes.length > LONGEST) return undefined;
  const name = String.fromCharCode(...bytes).replace(/\.$/, "");
  // Before it is made small: other letters have small forms that are ASCII.
  return /^[\x21-\x7e]+$/.test(name) && LABELS.test(name.toLowerCase())
    ? name.toLowerCase()
    : undefined;
}
