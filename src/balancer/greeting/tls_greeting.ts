import { messageOf } from "../../base/errors.ts";
import { plural } from "../../base/text.ts";
import type { Settings } from "../../config/options.ts";
import { type AlertName, alertRecord } from "../../net/client_hello/alert.ts";
import { type ClientHello, LONGEST_HELLO } from "../../net/client_hello/client_hello.ts";
import { HelloReader } from "../../net/client_hello/reader.ts";
import type { Stream } from "../../net/stream.ts";
import type { InnerPair } from "../../net/tls/inner_port.ts";
import { type TerminatedOptions, TerminatedStream } from "../../net/tls/terminated_stream.ts";
import { ClientAuthorities } from "../../net/tls/client_authorities.ts";
import { HandshakeFailure, problemOf } from "../../net/tls/handshake_failure.ts";
import { serveByNode } from "../../net/tls/serving_by_node.ts";
import { verifyClient } from "../../net/tls/verifying_server.ts";
import type { ClientTls } from "../../session/client_tls.ts";
import type { Session } from "../../session/session.ts";
import type { Routes } from "../routes/routes.ts";
import type { Certificates, ServedCertificate } from "../tls/certificates.ts";
import { bindAsAsked } from "./asked.ts";
import { GreetingFailure } from "./failure.ts";
import type { Greeting } from "./greeting.ts";
import type { Opening } from "./opening.ts";

/** The numbers of the versions in a ClientHello. */
const VERSIONS = { "1.2": 0x0303, "1.3": 0x0304 } as const;

/** Options of {@linkcode TlsGreeting}. */
export interface TlsGreetingOptions {
  /** Those in force; they may change. */
  settings: Pick<
    Settings,
    "tlsMin" | "tlsAlpn" | "tlsClientCa" | "tlsHandshakes" | "greetingTimeout"
  >;
  certificates: Certificates;
  routes: Pick<Routes, "active" | "bind">;
  streams: TerminatedOptions;
  /** Whether the runtime has sockets of TLS as Node.js has them. */
  byNode: boolean;
}

/**
 * The handshake of TLS, after which a session has the clear side of its client's connection.
 *
 * What the client says first is read and understood before anything else is done, so that a client
 * that says nothing, or something else, costs no more than its own connection.
 */
export class TlsGreeting implements Greeting {
  readonly #options: TlsGreetingOptions;
  /** Handshakes under way, the oldest first: what ends each. */
  readonly #pending = new Set<Handshake>();
  #done = 0;
  /** Who vouches for clients, and of what that was read. */
  #authorities: { readonly bytes: Uint8Array; readonly all: ClientAuthorities } | undefined;

  constructor(options: TlsGreetingOptions) {
    this.#options = options;
  }

  get timeout(): number {
    return this.#options.certificates.any ? this.#options.settings.greetingTimeout : 0;
  }

  /** Handshakes under way. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Handshakes that have come to a good end so far. */
  get done(): number {
    return this.#done;
  }

  concerns(): boolean {
    return this.#options.certificates.any;
  }

  async greet(opening: Opening, session: Session): Promise<void> {
    const { settings: { tlsHandshakes } } = this.#options;
    for (const oldest of this.#pending) {
      if (this.#pending.size < tlsHandshakes) break;
      this.#pending.delete(oldest);
      oldest.giveUp(tlsHandshakes);
    }
    const handshake = new Handshake(opening.stream);
    this.#pending.add(handshake);
    try {
      const hello = await readHello(opening);
      this.#checkVersion(hello);
      this.#checkProtocol(hello);
      // Somebody has ended it.
      if (session.reason !== undefined) return;
      if (!this.concerns()) throw failed("came when TLS was turned off");
      this.#bind(session, hello);
      session.tls = await this.#shake(opening, hello);
      this.#done++;
    } catch (error) {
      throw handshake.failure ?? error;
    } finally {
      this.#pending.delete(handshake);
    }
  }

  /** Before the handshake it can still be told that nobody has what it asks for. */
  #bind(session: Session, { name, alpn }: ClientHello): void {
    const { settings, routes } = this.#options;
    // The runtime takes the first of ours that the client has.
    const protocol = settings.tlsAlpn.find((one) => alpn.includes(one));
    const agreed = protocol === undefined ? [] : [protocol];
    bindAsAsked(session, { hello: { ...name !== undefined && { name }, alpn: agreed }, routes });
  }

  #checkVersion({ versions }: ClientHello): void {
    const { tlsMin } = this.#options.settings;
    const good = versions.some((one) => one >= VERSIONS[tlsMin] && one <= VERSIONS["1.3"]);
    if (good) return;
    throw failed(`offers no version of TLS from ${tlsMin} on (--tls-min)`, "protocol_version");
  }

  /** One that says no protocol speaks whatever it likes. */
  #checkProtocol({ alpn }: ClientHello): void {
    const { tlsAlpn } = this.#options.settings;
    if (tlsAlpn.length === 0 || alpn.length === 0) return;
    if (tlsAlpn.some((one) => alpn.includes(one))) return;
    throw failed(
      `speaks none of ${tlsAlpn.join(", ")} (--tls-alpn)`,
      "no_application_protocol",
    );
  }

  async #shake(opening: Opening, hello: ClientHello): Promise<ClientTls> {
    const served = this.#options.certificates.find(hello.name);
    // What is in the opening is given to somebody else if the session ends meanwhile.
    const begin = opening.bytes.slice();
    const { stream, ...agreed } = await this.#way()(opening.stream, { served, begin, hello });
    opening.take(begin.length);
    opening.stream = stream;
    // The runtime takes the highest that the client offers.
    return { ...agreed, version: hello.versions.includes(VERSIONS["1.3"]) ? "1.3" : "1.2" };
  }

  /** How clients are served by what is configured and the runtime has. */
  #way(): (client: Stream, shake: Shake) => Promise<Shaken> {
    if (this.#options.settings.tlsClientCa.path !== "") return this.#verify;
    return this.#options.byNode ? this.#serve : this.#terminate;
  }

  /** By the sockets of Node.js. */
  readonly #serve = async (client: Stream, { served, begin }: Shake): Promise<Shaken> => {
    const { settings: { tlsAlpn: protocols }, certificates } = this.#options;
    const context = certificates.contextOf(served);
    try {
      return await serveByNode(client, { begin, context, protocols });
    } catch (error) {
      throw handshakeFailed(error);
    }
  };

  /** By the runtime, over a connection of the program to itself. */
  readonly #terminate = async (client: Stream, { served, begin }: Shake): Promise<Shaken> => {
    const { certificates, streams } = this.#options;
    let pair: InnerPair;
    try {
      pair = await certificates.portOf(served).connect();
    } catch (error) {
      throw failed(`no handshake could begin: ${messageOf(error)}`);
    }
    const stream = new TerminatedStream(client, pair, { ...streams, begin });
    try {
      const { alpnProtocol } = await pair.far.handshake();
      stream.begun();
      return { stream, protocol: alpnProtocol };
    } catch (error) {
      await stream.abandon();
      throw handshakeFailed(error);
    }
  };

  /** By the server of Node.js, which can ask the client for a certificate. */
  readonly #verify = async (
    client: Stream,
    { served: { pair }, begin, hello }: Shake,
  ): Promise<Shaken> => {
    const { settings: { tlsClientCa: { bytes }, tlsAlpn: protocols } } = this.#options;
    if (this.#authorities?.bytes !== bytes) {
      const all = new ClientAuthorities(new TextDecoder().decode(bytes), this.#authorities?.all);
      this.#authorities = { bytes, all };
    }
    const { all: authorities } = this.#authorities;
    const is13 = hello.versions.includes(VERSIONS["1.3"]);
    try {
      return await verifyClient(client, { begin, pair, authorities, protocols, is13 });
    } catch (error) {
      throw handshakeFailed(error);
    }
  };
}

/** What a handshake begins with. */
interface Shake {
  readonly served: ServedCertificate;
  readonly begin: Uint8Array;
  readonly hello: ClientHello;
}

/** What has come of one. */
interface Shaken extends Omit<ClientTls, "version"> {
  readonly stream: Stream;
}

/** A handshake under way. */
class Handshake {
  readonly #client: Stream;
  /** Why it was given up, if it was. */
  failure: GreetingFailure | undefined;

  constructor(client: Stream) {
    this.#client = client;
  }

  /** There are too many, and it is the oldest. */
  giveUp(most: number): void {
    const number = plural(most, "unfinished handshake");
    this.failure = failed(`was the oldest of more than ${number} (--tls-handshakes)`);
    this.#client.close();
  }
}

/** Reads what the client says first; all of it stays in the opening. */
async function readHello(opening: Opening): Promise<ClientHello> {
  const reader = new HelloReader();
  for (;;) {
    const reading = reader.read(opening.bytes);
    if (reading.kind === "hello") return reading.hello;
    if (reading.kind === "none") throw failed(`sent ${reading.problem}`);
    await opening.more(LONGEST_HELLO);
  }
}

/** @param alert What the client is told. */
function failed(problem: string, alert?: AlertName): GreetingFailure {
  return new GreetingFailure("tls-failed", problem, { lastWords: alert && alertRecord(alert) });
}

/** What went wrong in a handshake, as something that the client has done, and what it is told. */
function handshakeFailed(error: unknown): GreetingFailure {
  const lastWords = error instanceof HandshakeFailure ? error.alert : undefined;
  return new GreetingFailure("tls-failed", problemOf(error), { lastWords });
}
