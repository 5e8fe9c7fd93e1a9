/** Most bytes of a connection in which a ClientHello has to be, with the headers of its records. */
export const LONGEST_HELLO = 64 * 1024;

/** What a client offers in its ClientHello, the first message of TLS. */
export interface ClientHello {
  /**
   * The server that it wants to talk to (RFC 6066): in small letters, without a dot at its end.
   * Absent if it says none, or one that can be no name of a host.
   */
  readonly name?: string;
  /**
   * The protocols that it speaks over TLS (RFC 7301), in its order, the first 64; each byte is one
   * character.
   */
  readonly alpn: readonly string[];
  /**
   * The versions of TLS, in its order: 0x0303 is 1.2, 0x0304 is 1.3. A client that lists none has one
   * here, its highest: it speaks those below, too.
   */
  readonly versions: readonly number[];
}

/**
 * Why a connection begins with no ClientHello: it speaks no TLS, or that of 1995, or says wrong
 * lengths, or more than {@linkcode LONGEST_HELLO}.
 */
export type WithoutHello = "plain" | "ssl2" | "broken" | "long";

/** What has come of a beginning. */
export type HelloReading =
  | { readonly kind: "more" }
  | { readonly kind: "hello"; readonly hello: ClientHello }
  | { readonly kind: "none"; readonly why: WithoutHello; readonly problem: string };

/** Thrown inside when lengths contradict each other; the message says which. */
export class BrokenHello extends Error {
  override readonly name = "BrokenHello";
}
