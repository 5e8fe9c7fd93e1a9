import { table } from "../option.ts";
import { resolver } from "../values/resolver.ts";

/** How names of destinations are looked up. */
export const NAMES_ROWS = table({ scope: "listener", group: "Names" }, {
  resolver: resolver({
    help:
      "who looks names of destinations up: system = as the system says, with its hosts file and " +
      "search domains; addresses = these name servers, each given 2s before the next is asked, " +
      "without any file or search domain",
  }),
});
