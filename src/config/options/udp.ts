import { choice, count, duration, table, YEAR } from "../option.ts";
import { udpBuffer } from "../values/udp_buffer.ts";

/** Sessions of datagrams: when they end, and what is kept of them while they wait. */
export const UDP_ROWS = table({ scope: "listener", group: "UDP" }, {
  udpIdle: duration({
    default: 30_000,
    min: 10,
    max: YEAR,
    help: "a session of a udp: listener in which no datagram comes in either direction for this " +
      "long is over; it is what ends it where --udp-answers does not",
  }),
  udpAnswers: count({
    zero: "unknown",
    default: 0,
    min: 0,
    max: 1_000_000,
    help:
      "how many datagrams answer one of the client, as 1 for DNS: a session that has got them " +
      "for all that it has sent is over, and its slot is free; 0 = their number is not known",
  }),
  udpRequestTimeout: duration({
    default: 5000,
    help: "how long an answer is waited for after the latest datagram of the client, with " +
      "--udp-answers and while draining; 0 = as long as --udp-idle",
  }),
  udpBuffer: udpBuffer({
    default: { datagrams: 16, bytes: 256 * 1024, total: 16 * 1024 * 1024 },
    help:
      "how much is kept of sessions that wait: most datagrams of one, most bytes of one, most " +
      "bytes of all; what is too much drops the oldest",
  }),
  udpReplyPort: choice({
    of: ["same", "any"],
    default: "same",
    help:
      "from which port of a destination answers are taken: same = the one that it was asked at; " +
      "any = the one of its first answer, to which the session then talks, as TFTP needs it",
  }),
});
