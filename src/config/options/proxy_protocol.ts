import { choice, table } from "../option.ts";

/** The PROXY protocol, which tells servers behind a proxy who their client is. */
export const PROXY_PROTOCOL_ROWS = table({ scope: "listener", group: "PROXY protocol" }, {
  sendProxy: choice({
    of: ["off", "v1", "v2"],
    default: "off",
    help:
      "which header of the PROXY protocol destinations get before the first byte of a session, " +
      "with the addresses of the client and of the listener: v1 = a line of text, v2 = binary; " +
      "health checks send one that names nobody",
  }),
});
