import { messageOf } from "../../base/errors.ts";

/** Why a handshake with a client has failed, in words that follow its address. */
export class HandshakeFailure extends Error {
  override readonly name = "HandshakeFailure";
  /** The alert that the client is still to be told, as a record. */
  readonly alert: Uint8Array | undefined;

  constructor(problem: string, alert?: Uint8Array) {
    super(problem);
    this.alert = alert;
  }
}

/** What the runtime says of a client that has left. */
const LEFT = [
  Deno.errors.UnexpectedEof,
  // The client's connection was closed because it has failed.
  Deno.errors.Interrupted,
  Deno.errors.ConnectionReset,
  Deno.errors.BrokenPipe,
];

/** What went wrong in a handshake, as something that the client has done. */
export function problemOf(error: unknown): string {
  if (error instanceof HandshakeFailure) return error.message;
  if (LEFT.some((one) => error instanceof one)) return "left during the handshake";
  const message = messageOf(error);
  if (message.includes("sent no certificates")) return "shows no certificate (--tls-client-ca)";
  const [, alert] = /received fatal alert: (\w+)/.exec(message) ?? [];
  return alert === undefined
    ? `could not agree on TLS: ${message}`
    : `ended the handshake with the alert ${alert}`;
}
