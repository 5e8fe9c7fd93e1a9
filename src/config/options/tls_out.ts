import { flag, type Option, table } from "../option.ts";
import { pemFile } from "../values/pem_file.ts";

/** TLS to a destination: every row is one of {@linkcode DESTINATION_OPTIONS}. */
export const TLS_OUT_ROWS = table({ scope: "destination", group: "Destinations" }, {
  tls: {
    ...flag({
      help: "whether it is spoken to over TLS, by sessions, probes and checks alike; its " +
        "certificate is verified",
    }),
    form: "true|false",
  },
  "tls-name": {
    form: "NAME",
    default: "",
    help:
      "the name, or IP address, that its certificate has to be for, and that it is told (SNI); " +
      "none = the host of its address, and of dns: and srv: the name that is looked up",
    allowed: "none, a host name or an IP address",
    parse(text) {
      if (text === "none") return "";
      return isName(text) ? text.replace(/\.$/, "").toLowerCase() : undefined;
    },
    format: (value) => value || "none",
    notation: { pattern: "^[0-9a-zA-Z_.:-]+$" },
  } satisfies Option<string>,
  "tls-ca": pemFile({
    kind: "certificates",
    help: "the authorities that its certificate may be from, or that certificate itself; none = " +
      "those of the system; read when the configuration is read",
  }),
  "tls-cert": pemFile({
    kind: "certificates",
    help: "the certificate that it is shown when it asks for one, with those between it and its " +
      "authority; needs Deno 2.8; read when the configuration is read",
  }),
  "tls-key": pemFile({
    kind: "key",
    help: "the private key of tls-cert; none = it is in the same file",
  }),
  "tls-insecure": {
    ...flag({
      help:
        "whether its certificate is not verified: whoever answers at its address is believed, " +
        "and can read and change everything; needs Deno 2.8",
    }),
    form: "true|false",
  },
});

/** All of them. */
export const TLS_OUT_NAMES = Object.keys(TLS_OUT_ROWS) as readonly (keyof typeof TLS_OUT_ROWS)[];

function isName(text: string): boolean {
  if (text.length > 254) return false;
  return /^(?!-)[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?$/i.test(text) ||
    /^[0-9a-f.:]*:[0-9a-f.:]*$/i.test(text);
}
