import { choice, duration, table } from "../option.ts";
import { resolver } from "../values/resolver.ts";

/** How names of destinations are looked up. */
export const NAMES_ROWS = table({ scope: "listener", group: "Names" }, {
  resolver: resolver({
    help:
      "who looks names of destinations up: system = as the system says, with its hosts file and " +
      "search domains; addresses = these name servers, each given 2s before the next is asked, " +
      "without any file or search domain",
  }),
  resolveInterval: duration({
    default: 10_000,
    min: 1000,
    help: "longest time between two look-ups of a name whose records are destinations (dns:, " +
      "srv:), and of any that --resolver's addresses are asked for; sooner where its records are " +
      "valid for less, never within 1s; for records 10 % more or less by chance",
  }),
  resolveEmpty: choice({
    of: ["keep", "drain"],
    default: "keep",
    help: "what becomes of the records of such a name when name servers say that there is none: " +
      "they stay in use, or are drained; a name server that fails never changes anything",
  }),
});
