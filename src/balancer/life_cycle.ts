import { after } from "../base/timer.ts";
import type { AcceptingSocket } from "../net/accepting_socket.ts";
import type { Address } from "../net/address.ts";
import type { Sharing } from "../net/sharing.ts";
import type { Session } from "../session/session.ts";
import { Acceptor } from "./acceptor.ts";
import type { Totals } from "../operations/totals.ts";
import { logChildren, logDrained, logDraining } from "./report.ts";
import { childrenOf } from "./status.ts";
import type { Parts } from "./parts.ts";

/** A balancer from the moment when it listens until its last session has ended. */
export class LifeCycle {
  readonly #parts: Parts;
  readonly #acceptor: Acceptor<Session>;
  /** Gives back the descriptors of connections that are not accepted yet. */
  readonly #releaseAhead: () => void;
  /** Forgets that a connect to its address leads here. */
  readonly #forgetAddress: () => void;
  /** Aborted when waiting for sessions to finish is over. */
  readonly #cutting = new AbortController();
  #drained: Promise<boolean> | undefined;

  private constructor(parts: Parts, acceptor: Acceptor<Session>, listen: Address) {
    this.#parts = parts;
    this.#acceptor = acceptor;
    this.#releaseAhead = parts.descriptors.reserveAhead(acceptor.ahead);
    this.#forgetAddress = noteAddress(parts, acceptor.address, listen);
  }

  /**
   * Begins to listen. If that fails the parts are stopped.
   *
   * @param options.only What is accepted from, instead of binding the address.
   * @param options.sharing How the address is shared with another process.
   * @param options.signal Ends waiting for a name server; its reason is thrown then.
   * @throws {FatalError} If the address cannot be bound.
   */
  static async start(
    parts: Parts,
    options: {
      listen: Address;
      only?: AcceptingSocket | undefined;
      sharing?: Sharing | undefined;
      signal?: AbortSignal | undefined;
    },
  ): Promise<LifeCycle> {
    const { listen, only, sharing, signal } = options;
    try {
      const acceptor = await Acceptor.open<Session>(listen, {
        settings: parts.settings,
        gate: parts.gate,
        handOver: (sessions) => parts.tasks.add(parts.queue.join(sessions)),
        reusePort: parts.thread !== undefined,
        onShortage: () => parts.descriptors.noteShortage(),
        udp: parts.datagrams.sockets,
        only,
        sharing,
        log: parts.log,
        signal,
      });
      return new LifeCycle(parts, acceptor, listen);
    } catch (error) {
      parts.sweep.stop();
      parts.stallDetector.stop();
      parts.resolver.close();
      parts.certificates.close();
      parts.sessionDescriptors.end();
      throw error;
    }
  }

  /** What is really bound, such as `[::]:8080`; several addresses are separated by a comma. */
  get address(): string {
    return this.#acceptor.address;
  }

  /** Looks at the addresses of this machine again, where it listens at each of them. */
  review(): void {
    if (!this.draining) this.#acceptor.review();
  }

  /** Whether it accepts no more, or is about to stop. */
  get draining(): boolean {
    return this.#drained !== undefined;
  }

  /** What became of everything so far. */
  get totals(): Totals {
    const { accepted, outcomes, balanced } = this.#parts.registry;
    return { accepted, outcomes, balanced };
  }

  /**
   * Stops accepting, after what the kernel has accepted already, and serves all sessions to their
   * end, or until the drain timeout, at which the rest is cut.
   *
   * A second call waits for the same drain.
   *
   * @returns Whether every session could finish: nothing was cut.
   */
  drain(): Promise<boolean> {
    return this.#drained ??= this.#drain();
  }

  /** Cuts everything at once and ends a drain that is under way. */
  async quit(): Promise<boolean> {
    this.#cut("quit");
    return await this.drain();
  }

  async #drain(): Promise<boolean> {
    const { settings: { drainTimeout }, log, thread, queue, registry } = this.#parts;
    if (thread === undefined) logDraining(log, this.#numbers, drainTimeout);
    const timer = drainTimeout > 0
      ? after(drainTimeout, () => this.#cut("drain-timeout"))
      : undefined;
    // What the kernel has accepted joins the queue, however full that is.
    queue.lift();
    const { fairReads, gate, destinations } = this.#parts;
    await this.#acceptor.drain({ signal: this.#cutting.signal, pause: fairReads });
    // From now on sessions of UDP end as soon as nobody waits for an answer.
    this.#parts.datagrams.draining = true;
    // Those who are still greeted may join.
    await gate.greeted();
    this.#acceptor.flush();
    queue.close();
    destinations.finish();
    await registry.idle();
    timer?.stop();
    await this.#end();
    if (thread === undefined) {
      logChildren(log, { children: childrenOf(destinations.all) });
      return logDrained(log, this.totals);
    }
    return registry.outcomes.cut === 0;
  }

  get #numbers(): { active: number; waiting: number; greeting: number } {
    const { destinations, queue, gate } = this.#parts;
    const active = destinations.all.reduce((sum, one) => sum + one.active, 0);
    return { active, waiting: queue.size, greeting: gate.greeting };
  }

  #cut(reason: "drain-timeout" | "quit"): void {
    const { queue, registry, destinations, log } = this.#parts;
    this.#cutting.abort();
    queue.turnAway(reason);
    for (const session of registry.live) {
      log.warning("session {id} of {client} at {destination} is cut: {reason}", {
        id: session.title,
        client: session.clientName,
        destination: session.destination?.name ?? "-",
        reason,
      });
      session.abort(reason);
    }
    for (const { connector } of destinations.all) connector.cut?.({ atOnce: reason === "quit" });
  }

  async #end(): Promise<void> {
    const {
      ending,
      sweep,
      waitingTimeouts,
      stallDetector,
      pool,
      bindings,
      health,
      gate,
      destinations,
      overload,
    } = this.#parts;
    ending.abort();
    sweep.stop();
    waitingTimeouts.stop();
    stallDetector.stop();
    pool.stop();
    bindings.stop();
    health.close();
    gate.close();
    overload.close();
    this.#parts.farewells.close();
    this.#parts.certificates.close();
    destinations.dismiss();
    this.#parts.resolver.close();
    await this.#parts.tasks.idle();
    await this.#parts.fairReads.close();
    this.#forgetAddress();
    this.#releaseAhead();
    this.#parts.sessionDescriptors.end();
  }
}

/** Lets others know that a connect to this address leads here. Returns what takes that back. */
function noteAddress({ trails, identity }: Parts, bound: string, listen: Address): () => void {
  if (listen.transport === "unix") return trails.listenAt(listen.path, identity.id);
  const port = Number(/\d+$/.exec(bound)![0]);
  const ways = listen.transport === "udp" ? trails.datagrams : trails;
  ways.listen(port);
  return () => ways.unlisten(port);
}
