/** What an end reason means for the totals. */
export type Outcome =
  | "finished"
  /** By a drain, and by nothing else. */
  | "cut"
  | "refused"
  | "timed out"
  | "ended by clients"
  | "failed"
  | "killed";

/** Each outcome with the number 0, in the order in which they are told. */
export function noOutcomes(): Record<Outcome, number> {
  return {
    "finished": 0,
    "cut": 0,
    "refused": 0,
    "timed out": 0,
    "ended by clients": 0,
    "failed": 0,
    "killed": 0,
  };
}

/** One reason for the end of a session. */
interface Row {
  readonly outcome: Outcome;
  readonly help: string;
  /**
   * Whether the client is told: it was welcome, but not served for want of room or time, and
   * `--reject-with` is for it.
   */
  readonly turnedAway?: true;
}

/** Why a session ended, as the access log and the counters name it. */
export const END_REASONS = {
  "refused-address": refused("not let in: --deny"),
  "refused-per-ip": refused("not let in: --max-per-ip"),
  "refused-rate": refused("not let in: --rate-per-ip"),
  "refused-guard": refused("not let in: --rate-guard"),
  "refused-overflow": turnedAway(
    refused("not let in: --overflow reject, and the queue is full"),
  ),
  "refused-wait": turnedAway(
    refused("not let in: it would not have been served within --max-wait"),
  ),
  "shed": turnedAway(
    refused("closed while it waited, since more came than was served: --when-overloaded"),
  ),
  "bad-proxy-header": refused(
    "not let in: a peer of --accept-proxy did not begin with a PROXY header",
  ),
  "tls-failed": refused(
    "no handshake of TLS with the client: it speaks something else, has refused the certificate, has " +
      "shown none that is wanted, or was the oldest of too many (--tls-handshakes)",
  ),
  "unknown-name": refused(
    "not let in: no destination serves the name or the protocol that the client asks for, or none " +
      "is for all others: sni=, alpn=",
  ),
  "greeting-timeout": timedOut(
    "what stands before the payload was not there in time: --accept-proxy-timeout, " +
      "--greeting-timeout",
  ),
  "done": row("finished", "both sides finished sending and everything was delivered"),
  "udp-idle": row("finished", "no datagram in either direction for --udp-idle"),
  "client-gone": endedByClient(
    "the client left before it had a destination, or sent a whole PROXY header or, with " +
      "--half-close abandon, before it was answered",
  ),
  "client-reset": endedByClient("the client's connection failed while it was being served"),
  "server-reset": failed(
    "the destination's connection failed while it was serving, or before its first byte, and so " +
      "did the other one's, or none other serves",
  ),
  "connect-failed": failed("no connect succeeded within the retries"),
  "queue-timeout": turnedAway(timedOut("no destination within --queue-timeout")),
  "idle-timeout": timedOut("no byte in either direction for --idle-timeout"),
  "half-close-timeout": timedOut(
    "one side had finished and no byte came for --half-close-timeout",
  ),
  "answer-timeout": timedOut("no byte from the destination within --answer-timeout"),
  "request-timeout": timedOut(
    "a datagram of the client was not answered within --udp-request-timeout: with --udp-answers, or " +
      "while it or its destination was draining",
  ),
  "destination-down": failed(
    "its destination of UDP is down, by its check: what the client sends next begins another session",
  ),
  "dropped": refused(
    "all that a client of UDP had sent was dropped while it waited: --udp-buffer",
  ),
  "session-timeout": timedOut("longer than --session-timeout"),
  "drain-timeout": row("cut", "still unfinished at --drain-timeout, cut"),
  "quit": row("cut", "cut by a second signal"),
  "loop": failed(
    "it had come back to a listener that it had passed, or led to such a session",
  ),
  "killed": row("killed", "ended by the operator"),
  "error": failed("a defect in iawlb; the log has the details"),
} as const;

/** One of the documented codes in {@linkcode END_REASONS}. */
export type EndReason = keyof typeof END_REASONS;

/** How many sessions have ended, by reason; reasons that did not occur are absent. */
export type Ended = Partial<Record<EndReason, number>>;

/** The sum of some counts by reason. */
export function addEnded(all: readonly Ended[]): Ended {
  const sums: Ended = {};
  for (const ended of all) {
    for (const [reason, number] of Object.entries(ended) as [EndReason, number][]) {
      sums[reason] = (sums[reason] ?? 0) + number;
    }
  }
  return sums;
}

/** Whether a session that ends for this reason was turned away for want of room or time. */
export function isTurnedAway(reason: EndReason): boolean {
  return END_REASONS[reason].turnedAway === true;
}

function turnedAway(row: Row): Row {
  return { ...row, turnedAway: true };
}

function row(outcome: Outcome, help: string): Row {
  return { outcome, help };
}

function refused(help: string): Row {
  return row("refused", help);
}

function timedOut(help: string): Row {
  return row("timed out", help);
}

function endedByClient(help: string): Row {
  return row("ended by clients", help);
}

function failed(help: string): Row {
  return row("failed", help);
}
