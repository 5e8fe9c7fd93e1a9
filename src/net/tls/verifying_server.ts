import { X509Certificate } from "node:crypto";
import { createServer, type TlsOptions, type TLSSocket } from "node:tls";
import type { Stream } from "../stream.ts";
import type { PairText } from "./pair.ts";
import { ServedStream } from "./serving_by_node.ts";
import { StreamDuplex } from "./stream_duplex.ts";

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
  /** The certificates of the authorities of which it has to show one, as PEM. */
  authorities: string;
  protocols: readonly string[];
  min: "1.2" | "1.3";
}

/**
 * Speaks TLS with a client that has to show a certificate of one of some authorities, and to have its
 * key. It does so by the server of Node.js, which the runtime has had since Deno 2.8: a socket of it
 * without the server around it takes any certificate (Deno 2.9.6). Closing the client's stream ends the
 * handshake and frees everything.
 *
 * @throws Why the handshake has failed.
 */
export function verifyClient(client: Stream, options: VerifyOptions): Promise<Verified> {
  const { begin, pair, authorities, protocols, min } = options;
  return new Promise((resolve, reject) => {
    const left = () => new Deno.errors.UnexpectedEof("unexpected end of file");
    let stream: ServedStream | undefined;
    const duplex = new StreamDuplex(client, () => {
      if (stream) stream.cut();
      else fail(left());
    });
    const fail = (error: unknown) => {
      if (stream) return;
      duplex.destroy();
      reject(error);
    };
    const server = createServer({
      ...{ cert: pair.cert, key: pair.key, ca: authorities },
      ...{ requestCert: true, rejectUnauthorized: true, allowHalfOpen: true },
      minVersion: `TLSv${min}`,
      ...protocols.length > 0 && { ALPNProtocols: [...protocols] },
    } as TlsOptions);
    server.on("tlsClientError", fail);
    server.on("error", fail);
    duplex.on("error", (error) => fail(error));
    duplex.on("close", () => fail(left()));
    server.on("secureConnection", (socket: TLSSocket) => {
      // It says so itself by an error; this is for a runtime that forgets to.
      if (!socket.authorized) return fail(socket.authorizationError ?? new Error("not verified"));
      stream = new ServedStream(client, socket, duplex);
      resolve({
        stream,
        protocol: typeof socket.alpnProtocol === "string" ? socket.alpnProtocol : null,
        subject: subjectOf(socket),
      });
    });
    server.emit("connection", duplex);
    duplex.begin(begin);
  });
}

/** In one line. */
function subjectOf(socket: TLSSocket): string {
  const { raw } = socket.getPeerCertificate();
  return new X509Certificate(raw).subject.trim().replaceAll("\n", ", ");
}
