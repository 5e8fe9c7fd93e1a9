import {
  adaptive,
  afterRestart,
  choice,
  count,
  duration,
  networks,
  slots,
  table,
  threads,
} from "../option.ts";
import { owner } from "../values/account.ts";
import { answerFile } from "../values/answer_file.ts";
import { fileMode } from "../values/file_mode.ts";
import { hashMask } from "../values/hash_mask.ts";
import { name } from "../values/name.ts";
import { rateGuard } from "../values/rate_guard.ts";

/** How many sessions a listener has at a time, whose they are, and how they are accepted. */
export const LISTENER_ROWS = table({ scope: "listener", group: "Listeners" }, {
  name: {
    ...afterRestart(name({
      form: "NAME",
      help:
        "what the listener is called in logs, metrics and by operators, instead of its address; " +
        "unique in the program; none = by its address",
    })),
    single: true,
  },
  workers: slots({
    default: 256,
    min: 1,
    max: 1_000_000,
    help:
      "most concurrent connections per destination; 1 is strictly one at a time; auto = as many " +
      "as make the server finish most sessions per second, found by measuring while clients wait",
  }),
  workersMax: count({
    default: 256,
    min: 1,
    max: 1_000_000,
    help: "most concurrent connections per destination with --workers auto",
  }),
  threads: afterRestart(threads({
    help: "threads, each with a queue of its own, that share the port; the kernel deals the " +
      "connections out, and every limit is divided among them; auto = one for each processor",
  })),
  balance: choice({
    of: ["fifo", "round-robin", "least-conn", "random", "first", "hash"],
    default: "fifo",
    help:
      "which destination gets the next session while several have a free slot: fifo = the one " +
      "that has waited longest for a session or, if none waits, has the smallest share of its " +
      "workers in use; round-robin = each in turn, as often as its weight says; least-conn = the one " +
      "with the fewest sessions for its weight, equals by turns; random = the better of two that are " +
      "drawn by their weights; first = the first in order until it is full; hash = the one for the " +
      "client's address, see --hash-wait; while none has a free slot, --queue-order decides",
  }),
  hashMask: hashMask({
    default: { v4: 32, v6: 128 },
    help: "how many leading bits of a client's IPv4 or IPv6 address count for --balance hash: " +
      "clients with the same ones have the same destination",
  }),
  hashWait: duration({
    zero: "none",
    default: 1000,
    help: "how long a session waits for its client's destination with --balance hash, from when " +
      "it joined the queue, while that one has no free slot; it goes to the next of the client's " +
      "destinations with a free slot after that; 0 = it does so at once",
  }),
  queue: count({
    default: 1024,
    min: 1,
    max: 1_000_000,
    help: "most waiting sessions; when they are reached, accepting stops until there is room and " +
      "further clients wait in the kernel's backlog",
  }),
  whenOverloaded: choice({
    of: ["hold", "shed", "newest"],
    default: "hold",
    help:
      "what happens when more sessions come than are served, so that clients give up before it is " +
      "their turn: hold = they are served in order all the same, until --queue-timeout; shed = those " +
      "that have waited longest are closed, so that the rest is answered in time; newest = the newest " +
      "is served first, and those that have given up are closed; both adapt to how long clients wait " +
      "and servers take, and do nothing while a queue is worked off within that",
  }),
  shedTarget: adaptive({
    min: 1,
    max: 3_600_000,
    help:
      "the longest wait while a queue stands, which it does once whoever was next has waited longer " +
      "for --shed-interval; --when-overloaded shed closes who has waited longer then, newest serves " +
      "the newest first; auto = a quarter of the clients' patience at first, then as short as keeps " +
      "the servers busy",
  }),
  shedInterval: adaptive({
    min: 1,
    max: 3_600_000,
    help: "for how long a queue has to stand before --when-overloaded does something about it; " +
      "auto = as long as clients are patient, as far as they have shown it",
  }),
  maxConnections: count({
    zero: "as many as open files allow",
    default: 0,
    min: 0,
    max: 10_000_000,
    help:
      "most sessions at a time, waiting ones included; when they are reached, accepting stops " +
      "until one ends; never more than the limit of open files (ulimit -n) has room for; 0 = as many",
  }),
  overflow: choice({
    of: ["wait", "reject"],
    default: "wait",
    help:
      "what happens to clients beyond --queue or --max-connections: they wait in the kernel's " +
      "backlog, or are closed at once",
  }),
  maxWait: duration({
    zero: "none",
    default: 0,
    help:
      "with --overflow reject: clients that would not be served within this time, by what the " +
      "queue and the latest seconds say, are closed at once; 0 = only a full queue counts",
  }),
  rejectWith: answerFile({
    help:
      "a file with at most 16 KiB that clients are sent before they are closed because the queue " +
      "is full (--overflow reject), or because they would wait, or have waited, for too long " +
      "(--max-wait, --queue-timeout, --when-overloaded); never those whom --deny, --max-per-ip or --rate-per-ip turns " +
      "away; it is read at the start and at each reload; none = they are just closed",
  }),
  maxPerIp: count({
    zero: "none",
    default: 0,
    min: 0,
    max: 1_000_000,
    help: "most sessions at a time from one client address, see --per-ip-mask; further ones are " +
      "closed at once; 0 = off",
  }),
  ratePerIp: count({
    zero: "none",
    default: 0,
    min: 0,
    max: 1_000_000,
    help:
      "most new sessions a second from one client address, see --per-ip-mask, of which as many " +
      "can come at once; further ones are closed at once; 0 = off",
  }),
  perIpMask: hashMask({
    default: { v4: 32, v6: 64 },
    help: "how many leading bits of an IPv4 or IPv6 address count for --max-per-ip and " +
      "--rate-per-ip: clients with the same ones are one",
  }),
  rateGuard: rateGuard({
    help:
      "most new sessions within a time; when one more comes nobody is let in for the second time, " +
      "or for the same time again, and those who come are closed at once: for programs that are " +
      "started for each session, as inetd does it with 256/1m/10m; off = any number",
  }),
  allow: networks("allow"),
  deny: networks("deny"),
  backlog: afterRestart(count({
    default: 511,
    min: 1,
    max: 65535,
    help: "connections that the kernel holds before they are accepted; it silently lowers this " +
      "to net.core.somaxconn",
  })),
  socketMode: afterRestart(fileMode({
    word: "umask",
    example: "0660",
    help: "permissions of the socket where LISTEN is unix:/path, from before anybody finds it: " +
      "clients need to write to it, as 0660 lets the group; umask = what the umask leaves",
  })),
  socketOwner: afterRestart(owner({
    help: "user and group that the socket belongs to where LISTEN is unix:/path, from before " +
      "anybody finds it; without root only a group that the program has; none = who runs it",
  })),
  batchSize: count({
    zero: "idle workers",
    default: 0,
    min: 0,
    max: 65535,
    help: "accepted sessions that are handed over together; 0 = as many as there are idle workers",
  }),
  batchDelay: duration({
    zero: "none",
    default: 0,
    max: 1000,
    help: "longest time a session waits for its batch to fill; 0 = to the end of the same turn " +
      "of the event loop",
  }),
});
