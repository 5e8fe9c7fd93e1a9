import { faultOf } from "../connect_faults.ts";
import { DialError, type DialOptions } from "../dial.ts";
import { connOf } from "../socket.ts";
import type { Stream } from "../stream.ts";
import { passNote } from "../trails.ts";
import { startAround } from "./around.ts";
import { startByNode } from "./by_node.ts";
import { startDirect } from "./direct.ts";
import { handshakeError, TlsError, whence } from "./failure.ts";
import { hasNodeTls } from "./node_tls.ts";
import type { TlsOutHost, TlsOutTerms } from "./out_terms.ts";
import { systemRoots, trustNobodyElse } from "./roots.ts";
import { Unfinished } from "./unfinished.ts";

/** The handshakes with one destination. */
export class TlsOut {
  readonly #terms: TlsOutTerms;
  readonly #host: TlsOutHost | undefined;
  readonly #unfinished: Unfinished;

  /** @param unfinished Those that there are from before, with other terms. */
  constructor(
    terms: TlsOutTerms,
    { host, unfinished = new Unfinished(host) }: {
      host?: TlsOutHost | undefined;
      unfinished?: Unfinished | undefined;
    } = {},
  ) {
    this.#terms = terms;
    this.#host = host;
    this.#unfinished = unfinished;
  }

  /** Handshakes that were given up and that the server has not let go. */
  get unfinished(): Unfinished {
    return this.#unfinished;
  }

  /**
   * TLS over a connection, which is used up, also if that fails.
   *
   * @param options.where Where it leads, for messages.
   * @throws {DialError} If the handshake has failed; it says what was expected and what came.
   * @throws The signal's reason, if it is aborted first.
   */
  async start(
    stream: Stream,
    { signal, where }: Pick<DialOptions, "signal"> & { where: string },
  ): Promise<Stream> {
    try {
      const over = await this.#handshake(stream, signal);
      passNote(stream, over);
      return over;
    } catch (error) {
      signal.throwIfAborted();
      // That this machine is short of something says nothing of the server.
      const isShort = faultOf([{ where, error }]) === "machine";
      throw new DialError([{ where, error: isShort ? error : handshakeError(error, this.#terms) }]);
    }
  }

  #handshake(stream: Stream, signal: AbortSignal): Promise<Stream> {
    const { name, insecure, own } = this.#terms;
    let roots: string;
    let byNode = own !== undefined || insecure;
    try {
      if (!trustNobodyElse() && !byNode) byNode = canStandIn(this.#terms);
      roots = insecure ? "" : this.#terms.roots?.text ?? systemRoots();
    } catch (error) {
      stream.close();
      return Promise.reject(error);
    }
    if (byNode) {
      return startByNode(stream, { ...this.#terms, roots, from: whence(this.#terms), signal });
    }
    const verified = { name, roots, signal };
    const conn = connOf(stream);
    const isTcp = conn !== undefined && "setNoDelay" in conn;
    return isTcp && !this.#unfinished.full
      ? startDirect(stream, { ...verified, unfinished: this.#unfinished })
      : startAround(stream, { ...verified, host: this.#host });
  }
}

/**
 * Whether Node.js verifies a server where the runtime's own authorities would count as well.
 *
 * @throws {TlsError} If it cannot, and these must not.
 */
function canStandIn({ roots }: TlsOutTerms): boolean {
  if (hasNodeTls()) return true;
  if (!roots) return false;
  throw new TlsError(
    "TLS: the runtime has read authorities of its own before the program began, which would count beside " +
      "tls-ca; use Deno 2.8 or newer, or the standalone binary",
  );
}
