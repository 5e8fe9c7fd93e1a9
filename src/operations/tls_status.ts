import { field, number, objectSchema, type OwnPoint, type Schema } from "./field.ts";

/** A certificate that clients are shown. */
export interface CertificateStatus {
  /** Its file, as configured. */
  path: string;
  /** The names that it is for. */
  names: string[];
  /** When it ends to be valid, RFC 3339 in UTC. */
  expires: string;
  /** How long that is from now, in seconds; negative after it. */
  expires_in_s: number;
}

/** Its schema. */
export const CERTIFICATE_SCHEMA: Schema = objectSchema({
  path: { type: "string", description: "its file, as configured" },
  names: { type: "array", items: { type: "string" }, description: "the names that it is for" },
  expires: { type: "string", format: "date-time", description: "when it ends to be valid" },
  expires_in_s: { type: "integer", description: "how long that is from now; negative after it" },
});

/** What a listener tells of TLS with its clients. */
export const TLS_FIELDS = {
  tls_pending: number({
    help: "handshakes of TLS with clients that are under way",
    metric: { name: "tls.handshakes.pending", kind: "gauge", unit: "{handshake}" },
  }),
  tls_handshakes: number({
    help: "handshakes of TLS with clients that succeeded; the others ended with tls-failed",
    metric: {
      name: "tls.handshakes",
      kind: "counter",
      unit: "{handshake}",
      help: "Handshakes of TLS with clients that succeeded; the others ended with tls-failed.",
    },
  }),
  certificates: field<CertificateStatus[]>(
    { type: "array", items: { $ref: "#/components/schemas/Certificate" } },
    {
      metrics: [{
        name: "tls.certificate.expires_in",
        kind: "gauge",
        unit: "s",
        help:
          "How long a certificate that clients are shown is still valid; negative after its end.",
        value: (all) =>
          all.map(({ path, expires_in_s }): OwnPoint => {
            return [expires_in_s, { certificate: path }];
          }),
      }],
    },
  ),
};
