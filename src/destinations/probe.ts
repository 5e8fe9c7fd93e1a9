import {
  formatPreset,
  parsePreset,
  type Preset,
  runPreset,
  USER_PATTERN,
} from "./check_presets.ts";
import { ANSWER_LIMIT, CheckError, Conversation } from "./conversation.ts";
import { type Dialer, DialError } from "../net/dial.ts";
import { messageOf } from "../base/errors.ts";
import { adopt, type Socket } from "../net/socket.ts";

/** How a destination is checked, as `--check` describes it. */
export type Check =
  /** A connect is enough. */
  | { readonly kind: "tcp" }
  /** `GET path` has to be answered with a status from 200 to 399. */
  | { readonly kind: "http"; readonly path: string }
  /** What comes back, after sending a text if there is one, has to contain another. */
  | { readonly kind: "talk"; readonly send: string; readonly expect: string }
  | Preset;

export { CheckError };

/** What {@linkcode parseCheck} takes, in words for a message. */
export const CHECK_FORMS =
  "off, tcp, http:/PATH, redis, postgres, postgres:USER, mysql:USER, smtp, expect:TEXT or send:TEXT,expect:TEXT (with \\r, \\n, \\t, \\\\ and \\,)";

/** A regular expression for the checks that are not one word, for schemas. */
export const CHECK_PATTERN = `^(http:/[!-~]*|${USER_PATTERN}|` +
  "(send:([^,\\\\]|\\\\.)*,)?expect:([^,\\\\]|\\\\.)+)$";

/** The checks that are one word. */
export const CHECK_WORDS = ["off", "tcp", "redis", "postgres", "smtp"] as const;

/** Reads a check, `null` for `off`; `undefined` if the text is not one. */
export function parseCheck(text: string): Check | null | undefined {
  if (text === "off") return null;
  if (text === "tcp") return { kind: "tcp" };
  const [, path] = /^http:(\/[\x21-\x7e]*)$/.exec(text) ?? [];
  if (path !== undefined) return { kind: "http", path };
  const talk = /^(?:send:((?:[^,\\]|\\.)*),)?expect:((?:[^,\\]|\\.)+)$/s.exec(text);
  if (!talk) return parsePreset(text);
  const send = unescape(talk[1] ?? "");
  const expect = unescape(talk[2]!);
  if (send === undefined || expect === undefined) return undefined;
  return { kind: "talk", send, expect };
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
    case "talk":
      return `${check.send && `send:${escape(check.send)},`}expect:${escape(check.expect)}`;
  }
}

function escape(text: string): string {
  return text.replace(/[\r\n\t\\,]/g, (letter) => {
    return "\\" + Object.entries(ESCAPES).find(([, plain]) => plain === letter)![0];
  });
}

/**
 * Checks a destination once.
 *
 * @throws {CheckError} If it was connected and did not pass.
 * @throws {DialError} If it could not be connected.
 * @throws The signal's reason, if it is aborted first.
 */
export async function runCheck(
  check: Check,
  options: { dialer: Dialer; host: string; signal: AbortSignal; timeout: number },
): Promise<void> {
  const { dialer, host, signal, timeout } = options;
  let conn: Socket;
  try {
    conn = adopt(await dialer.dial({ signal, timeout }));
  } catch (error) {
    if (!(error instanceof DialError && error.fault === "reset")) throw error;
    // It was connected: whether a reset is noticed before or after that is a matter of chance.
    if (check.kind === "tcp") return;
    throw failed(error);
  }
  if (signal.aborted) {
    conn.close();
    throw signal.reason;
  }
  const onAbort = () => conn.close();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    if (check.kind === "http") await checkHttp(conn, { path: check.path, host });
    else if (check.kind === "talk") await checkTalk(conn, check);
    else if (check.kind !== "tcp") await runPreset(check, new Conversation(conn));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof CheckError) throw error;
    throw failed(error);
  } finally {
    signal.removeEventListener("abort", onAbort);
    conn.close();
  }
}

function failed(cause: unknown): CheckError {
  return new CheckError(`its check failed: ${messageOf(cause)}`, { cause });
}

async function checkHttp(
  conn: Socket,
  { path, host }: { path: string; host: string },
): Promise<void> {
  await new Conversation(conn).send(
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nUser-Agent: iawlb\r\n\r\n`,
  );
  const head = await readUntil(conn, (text) => text.includes("\n"));
  const [, status] = /^HTTP\/1\.[01] (\d{3})/.exec(head) ?? [];
  if (status === undefined) throw new CheckError("its check got no HTTP answer");
  if (status < "200" || status > "399") throw new CheckError(`its check got HTTP ${status}`);
}

async function checkTalk(
  conn: Socket,
  check: { send: string; expect: string },
): Promise<void> {
  if (check.send) await new Conversation(conn).send(check.send);
  const text = await readUntil(conn, (text) => text.includes(check.expect));
  if (!text.includes(check.expect)) {
    throw new CheckError(`its check expected ${JSON.stringify(check.expect)} in vain`);
  }
}

/** What arrives until it is enough, the input ends, or the limit is reached. */
async function readUntil(conn: Socket, enough: (text: string) => boolean): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(4096);
  let text = "";
  while (!enough(text) && text.length < ANSWER_LIMIT) {
    const n = await conn.read(buffer);
    if (n === 0) break;
    text += decoder.decode(buffer.subarray(0, n), { stream: true });
  }
  return text;
}
