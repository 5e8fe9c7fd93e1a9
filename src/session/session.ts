import type { Audience } from "../async/audience.ts";
import type { Deadline } from "../async/deadlines.ts";
import { formatSocketAddress, type SocketAddress } from "../net/address.ts";
import type { EndReason } from "../operations/end_reasons.ts";
import type { Settings } from "../config/options.ts";
import type { ClientTls } from "./client_tls.ts";
import type { ClientSigns } from "./client_signs.ts";
import type { Exchange } from "./exchange.ts";
import type { Flow } from "./flow.ts";
import type { SessionOptions } from "./session_options.ts";
import type { HolderOf, Stage, SweepListenerOf } from "./holder.ts";
import { type Begin, type Departure, type DepartureListener, ReadAhead } from "./read_ahead.ts";
import type { ProcessEnd, Stream } from "../net/stream.ts";
import { Numbered } from "./numbered.ts";
import type { Route, Wish } from "./route.ts";
import type { Ends, Trail } from "../net/trails.ts";

export { audienceOf } from "./audience_of.ts";
export type { Stage } from "./holder.ts";
export type SweepListener = SweepListenerOf<Session>;
export type Holder = HolderOf<Session>;

const NONE: Trail = [];

const KEEP: Pick<Settings, "halfClose"> = { halfClose: "keep" };

/**
 * One client connection from accept to close: its identity, timings, byte counts and end reason.
 *
 * Making one reads nothing and waits for nothing; {@linkcode startReading} does.
 *
 * The session owns the client's stream. Whoever has it in hand (queue, worker, relay) is its
 * {@linkcode holder}, gives it up when it is aborted, and finishes it in the registry.
 */
export class Session extends Numbered implements DepartureListener {
  /** Its connection; a greeting may put another stream in its place before it is admitted. */
  client: Stream;
  /** The peer of its connection: the client itself, or what stands in front of this listener. */
  readonly peerAddress: SocketAddress;
  /**
   * Who the client is, for admission, limits and logs: the peer of its connection, unless what was
   * read of it says otherwise.
   */
  clientAddress: SocketAddress;
  /**
   * Where the client has connected to: this end of its connection, unless what was read of it says
   * otherwise.
   */
  listenerAddress: SocketAddress;
  /** When it was accepted; this and the other times are the clock's milliseconds. */
  readonly acceptedAt: number;
  /** Client to destination. */
  readonly up: Flow = { received: 0, bytes: 0, ended: false };
  /** Destination to client. */
  readonly down: Flow = { received: 0, bytes: 0, ended: false };
  /** Where it is. */
  stage: Stage = "waiting";
  /** Connects begun for it so far. */
  attempts = 0;
  /** The destination of the latest connect; its name is the one that it has now. */
  destination: { readonly name: string } | undefined;
  /** Its number in the order in which sessions joined the queue; 0 before that. */
  arrival = 0;
  /** In which turn it was taken out of the queue, where clients take turns; 0 for none. */
  turn = 0;
  /** Which destinations it may have; `undefined` for all. The queue has to know of it while it waits. */
  audience: Audience | undefined;
  /** What it is served for, where that depends on what the client has said in its hello of TLS. */
  route: Route | undefined;
  /** What the client has said there. */
  hello: Wish | undefined;
  /** What was agreed on in the handshake of TLS, if there was one. */
  tls: ClientTls | undefined;
  /** Who of these alone may have it for the time being, as long as it waits. */
  bound: Audience | undefined;
  /** What its client has done by which it can be seen leaving, where that matters. */
  readonly signs: ClientSigns | undefined;
  /** What its client is told when it ends without a destination, whatever else is said; usually nothing. */
  lastWords: Uint8Array | undefined;
  /** Whether its client is served also if it finishes before its first byte. */
  listens = false;
  /** Its place among those that are ended when they have waited too long. */
  deadline: Deadline<Session> | undefined;
  /** When it joined the queue for the first time, where that matters. */
  joinedAt: number | undefined;
  /** Whether a destination has reset it, to which it does not go again; it moves once at most. */
  moved = false;
  /** The connection to it, while the session is relayed. */
  server: Stream | undefined;
  /** Milliseconds that it has waited in the queue, all waits that are over together. */
  queued = 0;
  /** Milliseconds of these that the histograms have. */
  queuedNoted = 0;
  /** Among whom it is counted as it waits. */
  #waitsFor: Route | undefined;
  /** When the wait began that is not over. */
  #waitsSince: number | undefined;
  /** When the latest connect began. */
  connectStartedAt: number | undefined;
  /** When it was connected. */
  connectedAt: number | undefined;
  /** When it was over. */
  endedAt: number | undefined;
  /** How the process has ended that served it, where one did. */
  exit: ProcessEnd | undefined;
  /** What it has sent and got, where that is datagrams. */
  exchange: Exchange | undefined;
  /** What the latest sweep over the live sessions saw; see `timeouts.ts`. */
  readonly activity = { moved: -1, activeAt: 0, requestAt: undefined as number | undefined };
  /** Whether the client's stream has been prepared for a long life. */
  #tunedClient = false;
  /** The server's stream that has been, the latest one. */
  #tunedServer: Stream | undefined;
  /** Who looks at it at each sweep over the live sessions, if anybody wants to. */
  sweepListener: SweepListener | undefined;
  /** Who has it in hand. */
  holder: Holder | undefined;
  /** The listeners of this process that it has passed on its way here. */
  trail: Trail = NONE;
  /** The addresses of its connection, if it came from one of these. */
  ends: Ends | undefined;
  /** Resolves once its way is known, if that takes a moment. */
  certain: Promise<void> | undefined;
  /** Ends the connect that is under way, if one is. */
  attempt: AbortController | undefined;
  /** Reads the client until a destination has begun to answer. */
  readonly ahead: ReadAhead;
  /** Those in force; they may change. */
  readonly #settings: Pick<Settings, "halfClose">;
  /** Why it ends; the first reason stays. */
  #reason: EndReason | undefined;

  constructor(client: Stream, options: SessionOptions) {
    super(options);
    this.client = client;
    this.peerAddress = this.clientAddress = client.remoteAddress;
    this.listenerAddress = client.localAddress;
    this.acceptedAt = options.now;
    this.#waitsSince = options.now;
    this.activity.activeAt = options.now;
    this.#settings = options.settings ?? KEEP;
    this.signs = options.signs;
    this.ahead = new ReadAhead(options.buffers, this);
  }

  /** Reads what the client sends, and sees it leave; `begin` is what a greeting has read already. */
  startReading(begin?: Begin): void {
    this.ahead.start(this.client, begin);
  }

  /** Its greeting is over, and it begins to wait. */
  greeted(now: number): void {
    this.stage = "waiting";
    this.#waitsSince = now;
  }

  /** The client's address as text. */
  get clientName(): string {
    return formatSocketAddress(this.clientAddress);
  }

  /** The address of its connection's peer as text. */
  get peerName(): string {
    return formatSocketAddress(this.peerAddress);
  }

  /** Whether its peer has said that the client is somebody else. */
  get forwarded(): boolean {
    return this.clientAddress !== this.peerAddress;
  }

  /** Whether the client has sent something that waits for a destination. */
  get hasBytes(): boolean {
    return this.ahead.length > 0;
  }

  /** Whether a client that finishes sending without an answer has given up. */
  get abandons(): boolean {
    return this.#settings.halfClose === "abandon";
  }

  /** Whether a client that waits or is being connected is to be seen leaving, whatever it sends. */
  get watches(): boolean {
    return (this.abandons || this.signs !== undefined) &&
      (this.stage === "waiting" || this.stage === "connecting");
  }

  /** Why it ended or is about to; `undefined` while it is to go on. */
  get reason(): EndReason | undefined {
    return this.#reason;
  }

  /** Records why the session ends; the first reason stays. */
  conclude(reason: EndReason): void {
    this.#reason ??= reason;
  }

  /**
   * Records another reason than `done`, which its relay took an end for that looked like any other;
   * why it was ended before its time stays.
   */
  correct(reason: EndReason): void {
    if (this.#reason === "done") this.#reason = reason;
  }

  /** Ends the session before its time: records the reason and tells its holder. */
  abort(reason: EndReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.holder?.onAbort(this);
  }

  /** Prepares its streams for a long life, which most sessions do not have. */
  tuneForLongLife(options: { keepAlive: boolean }): void {
    if (!this.#tunedClient) this.client.tuneForLongLife(options);
    this.#tunedClient = true;
    if (this.server && this.server !== this.#tunedServer) this.server.tuneForLongLife(options);
    this.#tunedServer = this.server;
  }

  /**
   * It begins to wait in the queue, again if a connect failed. Ends it if the client has left.
   *
   * @param now When it begins to wait again; the first time it is since the accept.
   */
  wait(holder: Holder, now?: number): void {
    this.stage = "waiting";
    this.#waitsSince ??= now;
    this.holder = holder;
    if (this.route) this.#waitFor(this.route);
    const { ahead } = this;
    if ((ahead.closedEmpty && !this.listens) || ahead.failed || this.#abandoned) {
      this.abort("client-gone");
    } else ahead.review();
  }

  /** `--half-close` has changed: it counts from now on. */
  review(): void {
    if (this.stage === "relaying") this.holder?.onReview?.(this);
    else if (this.#abandoned) this.abort("client-gone");
    else this.ahead.review();
  }

  /** The wait is over, for a connect or for good. */
  leaveQueue(now: number): void {
    if (this.#waitsFor) this.#waitFor(undefined);
    if (this.#waitsSince === undefined) return;
    this.queued += now - this.#waitsSince;
    this.#waitsSince = undefined;
  }

  /**
   * Closes the client's stream; the last thing that happens to a session.
   *
   * @param options.keep Leaves the stream, and what is read of it, to somebody who closes it later.
   */
  close(now: number, { keep = false }: { keep?: boolean } = {}): void {
    this.stage = "ended";
    this.endedAt = now;
    this.leaveQueue(now);
    this.holder = undefined;
    if (keep) return;
    this.client.close();
    this.ahead.release();
  }

  /** Something of the client was read ahead. */
  onBytes(): void {
    this.signs?.heard();
  }

  /** The client has left while it was being read ahead. */
  onDeparture(how: Departure): void {
    this.signs?.finished();
    if (this.stage === "relaying") return this.holder?.onReview?.(this);
    const ends = how === "closed" && this.stage === "waiting" && !this.listens;
    if (ends || how === "reset" || this.abandons) this.abort("client-gone");
    else this.holder?.onReview?.(this);
  }

  /** It goes for another route, or for none. */
  direct(route: Route | undefined): void {
    this.route = route;
    if (this.stage === "waiting") this.#waitFor(route);
  }

  /** It is counted among those that wait for a route, or no more. */
  #waitFor(route: Route | undefined): void {
    if (route === this.#waitsFor) return;
    if (this.#waitsFor) this.#waitsFor.waiting--;
    if (route) route.waiting++;
    this.#waitsFor = route;
  }

  /** Whether its client has given up without a destination. */
  get #abandoned(): boolean {
    return this.abandons && this.ahead.ended;
  }
}
