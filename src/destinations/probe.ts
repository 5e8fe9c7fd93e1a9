import { runPreset } from "./check_presets.ts";
import { checkDns, checkUdp } from "./datagram_checks.ts";
import { ANSWER_LIMIT, CheckError, Conversation } from "./conversation.ts";
import type { Check } from "../config/values/check.ts";
import type { Connector } from "./connector.ts";
import { type Caller, DialError } from "../net/dial.ts";
import { messageOf } from "../base/errors.ts";
import type { Stream } from "../net/stream.ts";

/** Checks that begin with a word of their own; with the others the server speaks first, or nobody. */
const SPEAK_FIRST: readonly Check["kind"][] = ["http", "redis", "postgres"];

/**
 * Checks a destination once.
 *
 * @throws {CheckError} If it was connected and did not pass.
 * @throws {DialError} If it could not be connected.
 * @throws The signal's reason, if it is aborted first.
 */
export async function runCheck(
  check: Check,
  options: { connector: Connector; host: string; signal: AbortSignal; timeout: number },
): Promise<void> {
  const { connector, host, signal, timeout } = options;
  if (check.kind === "tcp" && connector.probe) return await connector.probe();
  let conn: Stream;
  try {
    conn = await connector.connect({ signal, timeout, caller: callerOf(check) });
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
    else if (check.kind === "udp") await checkUdp(conn, check);
    else if (check.kind === "dns") await checkDns(conn, check.name);
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

/** For nobody, with something to say at once where the server waits for it. */
function callerOf(check: Check): Caller {
  const hasBytes = check.kind === "talk" ? check.send !== "" : SPEAK_FIRST.includes(check.kind);
  return { hasBytes };
}

function failed(cause: unknown): CheckError {
  return new CheckError(`its check failed: ${messageOf(cause)}`, { cause });
}

async function checkHttp(
  conn: Stream,
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
  conn: Stream,
  check: { send: string; expect: string },
): Promise<void> {
  if (check.send) await new Conversation(conn).send(check.send);
  const text = await readUntil(conn, (text) => text.includes(check.expect));
  if (!text.includes(check.expect)) {
    throw new CheckError(`its check expected ${JSON.stringify(check.expect)} in vain`);
  }
}

/** What arrives until it is enough, the input ends, or the limit is reached. */
async function readUntil(conn: Stream, enough: (text: string) => boolean): Promise<string> {
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
