/** What was agreed on with a client in the handshake of TLS. */
export interface ClientTls {
  readonly version: "1.2" | "1.3";
  /** The protocol over it (ALPN); `null` if nothing was said of that. */
  readonly protocol: string | null;
  /** The subject of the client's certificate, if it had to show one. */
  readonly subject?: string;
}

/** What is told of the TLS of a session, if it has any. */
export function tlsOf(
  { tls }: { readonly tls: ClientTls | undefined },
): { tls_version?: string; alpn?: string; tls_client?: string } {
  if (!tls) return {};
  return {
    tls_version: tls.version,
    alpn: tls.protocol ?? "",
    ...tls.subject !== undefined && { tls_client: tls.subject },
  };
}
