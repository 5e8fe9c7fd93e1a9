import { X509Certificate } from "node:crypto";
import { createServer, type SecureContext, type TlsOptions, type TLSSocket } from "node:tls";
import { type AlertName, alertRecord } from "../client_hello/alert.ts";
import type { Stream } from "../stream.ts";
import type { ClientAuthorities } from "./client_authorities.ts";
import { HandshakeFailure, problemOf } from "./handshake_failure.ts";
import type { PairText } from "./pair.ts";
import { ServedStream } from "./serving_by_node.ts";
import { StreamDuplex } from "./stream_duplex.ts";
import { isOfVersion3 } from "./trust.ts";

/** A client that has shown its certificate. */
export interface Verified {
  /** What it says and gets, in clear text. */
  readonly stream: Stream;
  /** The protocol that was agreed on (ALPN); `null` if nothing was said of that. */
  readonly protocol: string | null;
  /** The subject of its certificate, such as `CN=a client, O=Example`. */
  readonly subject: string;
}

/** What a client of {@linkcode verifyClient} has to do with. */
export interface VerifyOptions {
  /** What it has sent so far. */
  begin: Uint8Array;
  pair: PairText;
  /** Of whom it has to show a certificate. */
  authorities: ClientAuthorities;
  protocols: readonly string[];
  /** Whether it speaks TLS 1.3. */
  is13: boolean;
}

/**
 * Speaks TLS with a client that has to show a certificate of one of some authorities, and to have its
 * key. It does so by the server of Node.js, which the runtime has had since Deno 2.8: a socket of it
 * without the server around it takes any certificate (Deno 2.9.6). Closing the client's stream ends the
 * handshake and frees everything.
 *
 * A client that resumes a session shows no certificate, and nobody verifies that of before: it may have
 * been for another listener, with other authorities, since all share one key for such sessions. So it
 * has to be one that these authorities have been found to vouch for.
 *
 * @throws {HandshakeFailure} If it is refused; the client is still to be told.
 * @throws That the client has left.
 */
export function verifyClient(client: Stream, options: VerifyOptions): Promise<Verified> {
  const { begin, pair, authorities, protocols, is13 } = options;
  return new Promise((resolve, reject) => {
    let stream: ServedStream | undefined;
    const duplex = new StreamDuplex(client, () => {
      if (stream) stream.cut();
      else fail(new Deno.errors.UnexpectedEof("unexpected end of file"));
    });
    const fail = (error: unknown) => {
      if (stream) return;
      duplex.destroy();
      reject(error);
    };
    const server = createServer({
      // That is how one context serves all: to make one costs as much as the rest.
      SNICallback: (_: string, done: (error: null, context: SecureContext) => void) =>
        done(null, authorities.contextOf(pair)),
      ...{ requestCert: true, rejectUnauthorized: true, allowHalfOpen: true },
      // None: its timer would keep whatever has failed until then.
      handshakeTimeout: -1,
      ...protocols.length > 0 && { ALPNProtocols: [...protocols] },
    } as TlsOptions);
    server.on("tlsClientError", (error: Error, { authorizationError }: TLSSocket) => {
      if (authorizationError) return fail(refusal(`${authorizationError}`, is13));
      // Of what is wrong with a hello it says nothing (Deno 2.9.6).
      const alert = duplex.answered ? duplex.lastWords : alertRecord("handshake_failure");
      fail(new HandshakeFailure(problemOf(error), alert));
    });
    server.on("error", fail);
    duplex.on("error", fail);
    server.on("secureConnection", (socket: TLSSocket) => {
      try {
        const certificate = certificateOf(socket);
        if (!socket.isSessionReused()) authorities.trust(certificate);
        else if (!authorities.trusts(certificate)) throw new HandshakeFailure(RESUMED);
        stream = new ServedStream(client, socket, duplex);
        const { alpnProtocol } = socket;
        resolve({
          stream,
          protocol: typeof alpnProtocol === "string" ? alpnProtocol : null,
          subject: certificate.subject.trim().replaceAll("\n", ", "),
        });
      } catch (error) {
        fail(error);
      }
    });
    server.emit("connection", duplex);
    duplex.begin(begin);
  });
}

const RESUMED = "resumes a session with a certificate that was not verified here";

/** @throws {HandshakeFailure} If there is none, or it was not verified. */
function certificateOf(socket: TLSSocket): X509Certificate {
  const { raw } = socket.getPeerCertificate() ?? {};
  // One that shows none is refused before, so that this is a session that began without one.
  if (!raw) throw new HandshakeFailure(RESUMED);
  // It says so itself by an error; this is for a runtime that forgets to.
  if (!socket.authorized) throw new HandshakeFailure("shows a certificate that was not verified");
  const certificate = new X509Certificate(raw);
  // That of an authority in --tls-client-ca is accepted from whoever shows it, and everybody can have it.
  if (!isOfVersion3(certificate)) throw new HandshakeFailure("shows a certificate of version 1");
  return certificate;
}

/** By the codes of the runtime: what is wrong with a certificate, and how its client is told. */
const REFUSALS: Readonly<Record<string, readonly [string, AlertName]>> = {
  CERT_HAS_EXPIRED: ["shows a certificate that has expired", "certificate_expired"],
  CERT_NOT_YET_VALID: ["shows a certificate that is not valid yet", "bad_certificate"],
};

const UNKNOWN = ["shows a certificate of no authority in --tls-client-ca", "unknown_ca"] as const;

/**
 * The runtime refuses a certificate when it has said its last word of the handshake, and can say no
 * more. With TLS 1.2 that has not been sent yet, and what stands there instead is not encrypted.
 */
function refusal(code: string, is13: boolean): HandshakeFailure {
  const [problem, alert] = REFUSALS[code] ?? UNKNOWN;
  return new HandshakeFailure(`${problem} (${code})`, is13 ? undefined : alertRecord(alert));
}
