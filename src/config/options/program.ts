import { type Address, reservedWordProblem, urlProblem } from "../../net/address.ts";
import { NO_RESERVED_WORD, PORT_PATTERN } from "../values/address_pattern.ts";
import { formatAdmin, parseAdmin } from "../admin_address.ts";
import { afterRestart, duration, file, table } from "../option.ts";

/** Where the program answers about itself. */
export const PROGRAM_ROWS = table({ scope: "program", group: "Administration" }, {
  admin: afterRestart<Address | null>({
    form: "off|ADDRESS",
    default: null,
    help: "where the program answers about itself and takes changes: PORT, which is 127.0.0.1 " +
      "only, 127.0.0.1:PORT, [::1]:PORT or unix:/path; any other address needs " +
      "--admin-token-file or --admin-read-token-file",
    allowed: "off, PORT, 127.0.0.1:PORT, [::1]:PORT or unix:/path, with a port from 0 to 65535",
    parse: parseAdmin,
    problem: (text) => urlProblem(text) ?? reservedWordProblem(text),
    format: formatAdmin,
    notation: {
      words: ["off"],
      pattern: `^(unix:/.*|${NO_RESERVED_WORD}(.*:)?${PORT_PATTERN})$`,
      integers: [0, 65535],
    },
  }),
  adminTokenFile: afterRestart(file({
    words: ["none"],
    default: "",
    form: "none|FILE",
    help: "the file with the secret that requests to --admin have to show",
  })),
  adminReadTokenFile: afterRestart(file({
    words: ["none"],
    default: "",
    form: "none|FILE",
    help:
      "the file with the secret of those who may only look: they see everything but the bytes " +
      "of sessions, and change nothing; without --admin-token-file nobody changes anything there",
  })),
  drainDelay: duration({
    zero: "none",
    default: 0,
    max: 3_600_000,
    help: "after SIGTERM or SIGINT: so long /healthz already answers 503 while clients are still " +
      "accepted, so that whoever sends them here (VRRP, a load balancer, Kubernetes) can turn to " +
      "others first; then the drain begins, and --drain-timeout counts; no time passes where " +
      "another process takes over the addresses, and a second signal ends all at once",
  }),
});
