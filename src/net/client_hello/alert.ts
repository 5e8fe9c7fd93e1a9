/** Why a server ends a handshake (RFC 8446, 6.2). */
export const ALERTS = {
  handshake_failure: 40,
  bad_certificate: 42,
  certificate_expired: 45,
  unknown_ca: 48,
  protocol_version: 70,
  unrecognized_name: 112,
  no_application_protocol: 120,
} as const;

/** The name of a fatal alert. */
export type AlertName = keyof typeof ALERTS;

const ALERT = 21;
const FATAL = 2;

/** The record with which a server says so, instead of its hello. */
export function alertRecord(name: AlertName): Uint8Array {
  return Uint8Array.of(ALERT, 3, 3, 0, 2, FATAL, ALERTS[name]);
}
