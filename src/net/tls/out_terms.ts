/** How a server is spoken to over TLS, and whom it has to prove to be. */
export interface TlsOutTerms {
  /** The name, or IP address, that its certificate has to be for; a name is told to it as well (SNI). */
  readonly name: string;
  /** Authorities that it is verified against, in PEM; `undefined` for the system's. */
  readonly roots: { readonly path: string; readonly text: string } | undefined;
  /** What this side shows when it is asked, in PEM. */
  readonly own: { readonly cert: string; readonly key: string } | undefined;
  /** Whether whoever answers is believed. */
  readonly insecure: boolean;
}

/** What the handshakes of a destination have of the process. */
export interface TlsOutHost {
  /** Descriptors are taken beyond those of sessions. */
  enter(number: number): void;
  /** So many of them are free again. */
  leave(number: number): void;
}
