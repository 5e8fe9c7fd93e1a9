import { TLS_OUT_ROWS } from "../../src/config/options/tls_out.ts";

/** The options of a destination that is not spoken to over TLS. */
export const NO_TLS = {
  tls: false,
  "tls-name": "",
  "tls-ca": TLS_OUT_ROWS["tls-ca"].default,
  "tls-cert": TLS_OUT_ROWS["tls-cert"].default,
  "tls-key": TLS_OUT_ROWS["tls-key"].default,
  "tls-insecure": false,
} as const;
