import { choice, table } from "../option.ts";
import { hashMask } from "../values/hash_mask.ts";
import { priority } from "../values/priority.ts";

/** Which of the sessions that wait is served next, and who counts as one client. */
export const ORDER_ROWS = table({ scope: "listener", group: "Order of the queue" }, {
  queueOrder: choice({
    of: ["fifo", "fair"],
    default: "fifo",
    help: "who is next of those that wait: fifo = the one that came first; fair = clients take " +
      "turns, see --fair-by, and sessions of one client are served in the order in which they " +
      "came, so that one who opens many connections waits behind itself",
  }),
  fairBy: choice({
    of: ["address", "sni"],
    default: "address",
    help: "what makes one client for --queue-order fair: address = its network, see --fair-mask; " +
      "sni = the name of the server that it asks for in its hello of TLS, which is read for that, " +
      "so that names take turns; those without a name go by their networks",
  }),
  fairMask: hashMask({
    default: { v4: 32, v6: 64 },
    help:
      "how many leading bits of an IPv4 or IPv6 address count for --queue-order fair: clients " +
      "with the same ones are one client; those of UNIX sockets are one each for every session",
  }),
  priority: priority({
    help:
      "classes of clients, from 0, which is first, to 3: networks, and =N after one or several " +
      "of them, as in 10.0.0.0/8,192.0.2.1=0,2001:db8::/32=3; the word unix stands for clients of " +
      "UNIX sockets; the first that matches counts, also where it is given several times, and all others are in class 2; while sessions " +
      "of several classes wait, these share the slots 8:4:2:1, and what one does not use goes to " +
      "the others; none = one class for all",
  }),
});
