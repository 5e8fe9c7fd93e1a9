import { createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import type { Stream } from "../stream.ts";
import { NodeTls } from "./by_node.ts";
import { HandshakeFailure, problemOf } from "./handshake_failure.ts";
import type { PairText } from "./pair.ts";
import { StreamDuplex } from "./stream_duplex.ts";

/** What a client of {@linkcode serveByNode} has to do with. */
export interface ServeOptions {
  /** What it has sent so far. */
  begin: Uint8Array;
  context: SecureContext;
  protocols: readonly string[];
}

/** What all clients have in common that are shown a certificate: to make it anew costs as much as they. */
export function contextOf({ cert, key }: PairText): SecureContext {
  return createSecureContext({ cert, key });
}

/**
 * Speaks TLS with a client, by the sockets of Node.js, which the runtime has had since Deno 2.8. Nothing
 * waits there, and closing the client's stream ends the handshake and frees everything.
 *
 * @throws {HandshakeFailure} If it has failed; the client is still to be told.
 * @throws That the client has left.
 */
export function serveByNode(
  client: Stream,
  { begin, context, protocols }: ServeOptions,
): Promise<{ readonly stream: Stream; readonly protocol: string | null }> {
  return new Promise((resolve, reject) => {
    let stream: ServedStream | undefined;
    let failure: Error | undefined;
    const left = () => fail(new Deno.errors.UnexpectedEof("unexpected end of file"));
    const duplex = new StreamDuplex(client, () => {
      if (stream) stream.cut();
      else left();
    });
    const fail = (error: unknown) => {
      if (stream) return;
      socket.destroy();
      duplex.destroy();
      reject(error);
    };
    const options = {
      isServer: true,
      secureContext: context,
      allowHalfOpen: true,
      ...protocols.length > 0 && { ALPNProtocols: [...protocols] },
    };
    const socket = new TLSSocket(
      duplex as unknown as ConstructorParameters<typeof TLSSocket>[0],
      options,
    );
    duplex.on("error", fail);
    socket.on("error", (error: Error) => failure = error).on("close", () => {
      // What the client is told comes between the two.
      if (failure) fail(new HandshakeFailure(problemOf(failure), duplex.lastWords));
      else left();
    }).on("secure", () => {
      stream = new ServedStream(client, socket, duplex);
      const { alpnProtocol } = socket;
      resolve({ stream, protocol: typeof alpnProtocol === "string" ? alpnProtocol : null });
    });
    duplex.begin(begin);
  });
}

/** Closed without an end of writing the client is cut, and does not take it for the end. */
export class ServedStream extends NodeTls {
  constructor(client: Stream, socket: TLSSocket, duplex: StreamDuplex) {
    super(client, socket, { duplex, mustAnswer: false });
  }

  override close(): void {
    this.abort();
  }
}
