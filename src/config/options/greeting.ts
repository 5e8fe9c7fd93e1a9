import { duration, table } from "../option.ts";

/** What clients of TLS begin with. */
export const GREETING_ROWS = table({ scope: "listener", group: "TLS and server names" }, {
  greetingTimeout: duration({
    default: 10_000,
    min: 1,
    help:
      "time for the hello of TLS that a client begins with, after a PROXY header if one comes " +
      "first, where destinations have sni= or alpn=: a client that is slower, or silent, gets one " +
      "of those for all other names, or is closed if there is none; with --tls-cert time for the whole " +
      "handshake",
  }),
});
