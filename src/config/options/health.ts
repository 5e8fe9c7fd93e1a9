import { agentCheck } from "../values/agent_check.ts";
import { count, duration, type Option, table, YEAR } from "../option.ts";
import {
  type Check,
  CHECK_FORMS,
  CHECK_PATTERN,
  CHECK_WORDS,
  formatCheck,
  parseCheck,
} from "../values/check.ts";

/** How the health of destinations is found out, and when they are down and up again. */
export const HEALTH_ROWS = table({ scope: "listener", group: "Health" }, {
  check: {
    form: "off|tcp|http:/PATH|redis|postgres|mysql:USER|smtp|expect:TEXT",
    default: null,
    help:
      "how destinations are checked while they are up: a connect, a GET with a status from 200 " +
      "to 399, a few words of a server's protocol of which it keeps no error (also postgres:USER), " +
      "or a text that has to come back (also send:TEXT,expect:TEXT); for UDP it is dns:NAME, which " +
      "a name server has to answer, or udp:send:TEXT,expect:TEXT; off = only connects of sessions " +
      "count, of which UDP has none",
    allowed: CHECK_FORMS,
    parse: parseCheck,
    format: formatCheck,
    notation: {
      words: CHECK_WORDS,
      pattern: CHECK_PATTERN,
    },
  } as Option<Check | null>,
  checkInterval: duration({
    default: 2000,
    min: 10,
    max: YEAR,
    help: "time between two checks of a destination, and with --check the longest until one that " +
      "is down is probed again, which is 5s otherwise",
  }),
  checkTimeout: duration({
    zero: "5s",
    default: 2000,
    help: "time for one check; 0 = 5s",
  }),
  fall: count({
    default: 0,
    min: 0,
    max: 1000,
    help: "failures in a row (connects, probes, checks) that make a destination down; after the " +
      "first failed connect it takes no sessions until a probe succeeds; a session that it resets " +
      "is no failure; 0 = 1, or 3 with a check",
  }),
  rise: count({
    default: 0,
    min: 0,
    max: 1000,
    help: "successful probes or checks in a row that bring a destination back up; 0 = 1, or 2 " +
      "with a check",
  }),
  agentCheck: agentCheck({
    help:
      "where each server is asked, every --check-interval, how much it can take: the address of an " +
      "agent that sends a line such as 75% or drain, in the words of HAProxy's agent-check; a port " +
      "without a host is one of the server's own host",
  }),
  slowStart: duration({
    zero: "none",
    default: 0,
    help:
      "time in which a destination that has come back gets its workers, in equal steps; never " +
      "at the start of the program; 0 = at once",
  }),
});
