import { choice, duration, peers, table } from "../option.ts";

/** The PROXY protocol, by which whoever is in front tells who the client is. */
export const PROXY_PROTOCOL_ROWS = table({ scope: "listener", group: "PROXY protocol" }, {
  acceptProxy: peers({
    help: "peers that must begin each connection with a PROXY protocol header, version 1 or 2, " +
      "which says who the client is: addresses or CIDR ranges separated by commas, and the word " +
      "unix for peers on UNIX sockets; from all others such a header is payload; none = nobody",
  }),
  acceptProxyTimeout: duration({
    default: 3000,
    min: 1,
    help: "time from accept to the end of the PROXY header",
  }),
  sendProxy: choice({
    of: ["off", "v1", "v2"],
    default: "off",
    help:
      "which header of the PROXY protocol destinations get before the first byte of a session, " +
      "with the addresses of the client and of the listener: v1 = a line of text, v2 = binary; " +
      "health checks send one that names nobody",
  }),
});
