import { choice, count, duration, table } from "../option.ts";

/** How long the stages of a session may take, and what happens when one fails. */
export const SESSION_ROWS = table({ scope: "listener", group: "Sessions" }, {
  keepalive: choice({
    of: ["on", "off"],
    default: "on",
    help: "whether TCP keepalive finds peers that have vanished, on both sides, after the times " +
      "that the kernel is set to (net.ipv4.tcp_keepalive_time)",
  }),
  halfClose: choice({
    of: ["keep", "abandon"],
    default: "keep",
    help:
      "what a client means that finishes sending before it was answered: keep = it still reads " +
      "and gets its answer; abandon = it has given up: it leaves the queue at once, and while it " +
      "is served its destination is closed at once",
  }),
  queueTimeout: duration({
    zero: "none",
    default: 30_000,
    help: "a session that has no destination this long after it was accepted is closed; 0 = never",
  }),
  connectTimeout: duration({
    zero: "none",
    default: 5000,
    help: "time for one connect to a destination, all addresses of its name together; " +
      "0 = as long as the kernel tries",
  }),
  idleTimeout: duration({
    zero: "none",
    default: 600_000,
    help: "a session in which no byte moves in either direction for this long is closed; " +
      "0 = never",
  }),
  halfCloseTimeout: duration({
    default: 60_000,
    help: "the same once one side has finished sending; 0 = only --idle-timeout counts",
  }),
  answerTimeout: duration({
    zero: "none",
    default: 0,
    help: "time from the client's first byte to the destination's first; 0 = off",
  }),
  sessionTimeout: duration({
    zero: "none",
    default: 0,
    help: "longest life of a session, from accept, whatever moves; 0 = off",
  }),
  drainTimeout: duration({
    zero: "none",
    default: 30_000,
    help: "after SIGTERM or SIGINT: what has not finished by then is cut and named in the log; " +
      "0 = wait for ever",
  }),
  execGrace: duration({
    zero: "none",
    default: 5000,
    max: 3_600_000,
    help:
      "a program of exec: that goes on when its session is over gets SIGTERM, and SIGKILL after " +
      "this time, with all that it has started; 0 = SIGKILL at once",
  }),
  retries: count({
    default: 3,
    min: 0,
    max: 1000,
    help: "further connects for a session whose first one failed, before the session is closed",
  }),
  redispatch: choice({
    of: ["held", "unsent", "off"],
    default: "held",
    help: "whether a session whose destination resets before its first byte goes to one other, " +
      "once: if all that was sent is still held (at most 4 KiB, or the 64 KiB that are read of a " +
      "client that waits with --half-close abandon or --when-overloaded shed or newest; the " +
      "request may then be seen twice), only if nothing was sent, or never",
  }),
});
