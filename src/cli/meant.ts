import { AddressError, parseAddress } from "../net/address.ts";
import { UsageError } from "../base/errors.ts";
import { nearest, quote } from "../base/text.ts";

/** What flags of other programs are here. */
const FLAGS: Readonly<Record<string, string>> = {
  ...named(["-v"], "it is --version (-V); --log-level debug says more while it runs"),
  ...named(["--verbose", "--debug"], "it is --log-level debug"),
  ...named(["-q", "--quiet", "--silent"], "it is --log-level error"),
  ...named(["-c", "-f", "--file", "--conf", "--config-file"], "it is --config FILE"),
  ...named(["-t", "--test"], "it is --config FILE --check-config"),
  ...named(["-d", "-D", "--background", "--daemonize"], "it is --daemon"),
  ...named(["-u"], "it is --user NAME"),
  ...named(
    ["-l", "-p", "-b", "--listen", "--port", "--bind", "--address"],
    "the first address is LISTEN, as in iawlb 8080 9001 9002",
  ),
  ...named(
    ["--backend", "--backends", "--server", "--servers", "--upstream", "--destination"],
    "the addresses behind LISTEN are destinations, as in iawlb 8080 9001 9002",
  ),
  ...named(["-?"], "it is --help (-h)"),
};

/** What words of other programs are here; the rest is asked of {@linkcode commandOf}. */
const WORDS: Readonly<Record<string, string>> = {
  version: "it is iawlb --version",
  demo: "it is iawlb --demo",
  ...named(["check", "test", "validate"], "it is iawlb --config FILE --check-config"),
  ...named(
    ["start", "run"],
    "it is started by iawlb LISTEN DESTINATION ..., or iawlb --config FILE",
  ),
  ...named(["stop", "quit"], "it is iawlb ctl shutdown"),
  ...named(["restart"], "it is iawlb ctl shutdown, then a new start; iawlb ctl reload needs none"),
};

/** The words that the program's own command lines begin with. */
const OWN_WORDS = ["top", "ctl", "init", "send", "help"];

/** What somebody meant with a flag that there is not; `undefined` if nobody knows. */
export function meantByFlag(name: string): string | undefined {
  if (Object.hasOwn(FLAGS, name)) return FLAGS[name];
  return /^-[a-z]$/i.test(name) ? "of one letter there are -h, -i and -V" : undefined;
}

/**
 * Says what somebody meant with a word in the place of LISTEN that is no address.
 *
 * @throws {UsageError} If it is known.
 */
export async function assertNoWord(text: string): Promise<void> {
  if (!/^[a-z][\w.-]*$/i.test(text) || isAddress(text)) return;
  if (/\.(toml|conf|cfg)$/.test(text)) {
    throw new UsageError(`${quote(text)}: a file is given as in iawlb --config ${text}`);
  }
  const meant = Object.hasOwn(WORDS, text) ? WORDS[text] : await commandOf(text);
  if (meant) throw new UsageError(`${quote(text)}: no such command; ${meant}`);
}

/** Whether it belongs behind `iawlb ctl`, or is a command with one slip of the pen. */
async function commandOf(word: string): Promise<string | undefined> {
  const { COMMANDS } = await import("../client/commands.ts");
  if (Object.hasOwn(COMMANDS, word)) return `it is iawlb ctl ${word}`;
  const own = nearest(word, OWN_WORDS);
  if (isSlipOf(own, word)) return `the nearest is iawlb ${own}`;
  const command = nearest(word, Object.keys(COMMANDS));
  return isSlipOf(command, word) ? `the nearest is iawlb ctl ${command}` : undefined;
}

/** Whether a word is another one with a letter more, less or different, or with two of them exchanged. */
function isSlipOf(meant: string, word: string): boolean {
  let start = 0;
  while (start < meant.length && meant[start] === word[start]) start++;
  const [a, b] = [meant.slice(start), word.slice(start)];
  return a.slice(1) === b || a === b.slice(1) || a.slice(1) === b.slice(1) ||
    (a[0] === b[1] && a[1] === b[0] && a.slice(2) === b.slice(2));
}

function isAddress(text: string): boolean {
  try {
    parseAddress(text, { minPort: 0 });
    return true;
  } catch (error) {
    if (error instanceof AddressError) return false;
    throw error;
  }
}

function named(names: readonly string[], meaning: string): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, meaning]));
}
