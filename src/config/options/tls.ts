import { choice, count, table } from "../option.ts";
import { contentsOf } from "../values/answer_file.ts";
import { certificates, MAX_PEM_BYTES } from "../values/certificates.ts";
import { protocols } from "../values/protocols.ts";

/** TLS with clients: see docs/tls.md. */
export const TLS_ROWS = table({ scope: "listener", group: "TLS and server names" }, {
  tlsCert: contentsOf({
    limit: MAX_PEM_BYTES,
    help: "clients speak TLS, and are shown the certificate in this file (PEM), with those that " +
      "lead to its authority behind it; it is read at the start, at each reload, and when it has " +
      "changed; none = without TLS, unless there are --certificates",
  }),
  tlsKey: contentsOf({
    limit: MAX_PEM_BYTES,
    help:
      "the private key of --tls-cert (PEM, without a passphrase); none = it is in the file of " +
      "--tls-cert",
  }),
  certificates: certificates({
    help:
      "further certificates with their keys: by the name that a client asks for (SNI) it gets " +
      "the one for that very name, else the one for *.parent, else the first of all",
  }),
  tlsMin: choice({
    of: ["1.2", "1.3"],
    default: "1.2",
    help: "the lowest version of TLS; clients that offer less are told so by an alert",
  }),
  tlsAlpn: protocols({
    help: "the protocols over TLS that clients are offered (ALPN), the preferred one first; a " +
      "client that offers others only is turned away; none = whatever it is, nothing is said of it",
  }),
  tlsClientCa: contentsOf({
    limit: MAX_PEM_BYTES,
    help: "clients have to show a certificate of one of the authorities in this file (PEM), and " +
      "the access log has its subject; needs Deno 2.8; none = nobody is asked for one",
  }),
  tlsHandshakes: count({
    default: 1024,
    min: 1,
    max: 65_535,
    help: "most handshakes at a time; for one more the oldest that is unfinished is " +
      "closed",
  }),
});
