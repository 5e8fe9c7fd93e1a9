import { type CheckPreset, formatPreset, parsePreset, USER_PATTERN } from "./check_preset.ts";

/** How a destination is checked, as `--check` describes it. */
export type Check =
  /** A connect is enough. */
  | { readonly kind: "tcp" }
  /** `GET path` has to be answered with a status from 200 to 399. */
  | { readonly kind: "http"; readonly path: string }
  /** What comes back, after sending a text if there is one, has to contain another. */
  | { readonly kind: "talk"; readonly send: string; readonly expect: string }
  /** The same with one datagram, and one that comes back. */
  | { readonly kind: "udp"; readonly send: string; readonly expect: string }
  /** A question for the addresses of a name has to be answered, if only that there are none. */
  | { readonly kind: "dns"; readonly name: string }
  | CheckPreset;

/** The name of a host, with or without a dot at its end. */
const NAME = "[A-Za-z0-9_-]{1,63}(\\.[A-Za-z0-9_-]{1,63})*\\.?";

/** What {@linkcode parseCheck} accepts, in words for a message. */
export const CHECK_FORMS =
  "off, tcp, http:/PATH, redis, postgres, postgres:USER, mysql:USER, smtp, expect:TEXT or send:TEXT,expect:TEXT (with \\r, \\n, \\t, \\\\ and \\,), for UDP udp:send:TEXT,expect:TEXT or dns:NAME";

/** A regular expression for the checks that are not one word, for schemas. */
export const CHECK_PATTERN = `^(http:/[!-~]*|${USER_PATTERN}|dns:${NAME}|` +
  "(udp:(?=send))?(send:([^,\\\\]|\\\\.)*,)?expect:([^,\\\\]|\\\\.)+)$";

/** The checks that are one word. */
export const CHECK_WORDS = ["off", "tcp", "redis", "postgres", "smtp"] as const;

const DNS = new RegExp(`^dns:(${NAME})$`);

/** Reads a check, `null` for `off`; `undefined` if the text is not one. */
export function parseCheck(text: string): Check | null | undefined {
  if (text === "off") return null;
  if (text === "tcp") return { kind: "tcp" };
  const [, path] = /^http:(\/[\x21-\x7e]*)$/.exec(text) ?? [];
  if (path !== undefined) return { kind: "http", path };
  const [, name = ""] = DNS.exec(text) ?? [];
  if (name !== "" && name.length <= 253) return { kind: "dns", name };
  const talk = /^(udp:(?=send:))?(?:send:((?:[^,\\]|\\.)*),)?expect:((?:[^,\\]|\\.)+)$/s.exec(text);
  if (!talk) return parsePreset(text);
  const send = unescape(talk[2] ?? "");
  const expect = unescape(talk[3]!);
  if (send === undefined || expect === undefined) return undefined;
  return { kind: talk[1] ? "udp" : "talk", send, expect };
}

const ESCAPES: Readonly<Record<string, string>> = {
  r: "\r",
  n: "\n",
  t: "\t",
  "\\": "\\",
  ",": ",",
};

function unescape(text: string): string | undefined {
  let known = true;
  const plain = text.replace(/\\(.)/gs, (_, letter) => {
    known &&= letter in ESCAPES;
    return ESCAPES[letter] ?? "";
  });
  return known ? plain : undefined;
}

/** The text that {@linkcode parseCheck} reads back as the same check. */
export function formatCheck(check: Check | null): string {
  switch (check?.kind) {
    case undefined:
      return "off";
    case "tcp":
      return "tcp";
    case "http":
      return `http:${check.path}`;
    case "redis":
    case "postgres":
    case "mysql":
    case "smtp":
      return formatPreset(check);
    case "dns":
      return `dns:${check.name}`;
    case "udp":
      return `udp:send:${escape(check.send)},expect:${escape(check.expect)}`;
    case "talk":
      return `${check.send && `send:${escape(check.send)},`}expect:${escape(check.expect)}`;
  }
}

function escape(text: string): string {
  return text.replace(/[\r\n\t\\,]/g, (letter) => {
    return "\\" + Object.entries(ESCAPES).find(([, plain]) => plain === letter)![0];
  });
}
