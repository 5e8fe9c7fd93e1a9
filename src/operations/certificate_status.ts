import { objectSchema, type Schema } from "./field.ts";

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
