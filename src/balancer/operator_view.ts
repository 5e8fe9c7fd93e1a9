import type { SessionInfo } from "../operations/operations.ts";
import type { AdminState } from "../operations/states.ts";
import type { DestinationStatus } from "../operations/destination_status.ts";
import type { ListenerStatus } from "../operations/listener_status.ts";
import type { LifeCycle } from "./life_cycle.ts";
import { nextOf } from "./queue_order.ts";
import { destinationStatus, listenerStatus, liveBytes, sessionInfos } from "./status.ts";
import type { Parts } from "./parts.ts";
import { firstLimit } from "./waiting_timeouts.ts";

/** What operators can see of a balancer, and do to its sessions and destinations. */
export class OperatorView {
  readonly #parts: Parts;
  readonly #lifeCycle: LifeCycle;

  constructor(parts: Parts, lifeCycle: LifeCycle) {
    this.#parts = parts;
    this.#lifeCycle = lifeCycle;
  }

  /** What it is doing right now. */
  status(): ListenerStatus {
    const { identity: { id, name }, registry, queue, gate, settings, timekeeper } = this.#parts;
    return listenerStatus({
      id,
      name,
      address: this.#lifeCycle.address,
      draining: this.#lifeCycle.draining,
      balance: settings.balance,
      registry,
      queue,
      next: nextOf(queue, settings),
      greeting: gate.greeting,
      capacity: settings.queue,
      waitsAtMost: firstLimit(settings)?.ms ?? 0,
      unbound: this.#parts.bindings.unbound,
      overload: this.#parts.overload,
      answered: this.#parts.farewells.answered,
      gaveUp: this.#parts.forecaster.gaveUp,
      forecast: this.#parts.routes.forecast(this.#parts.forecaster.data),
      routes: this.#parts.routes.statuses,
      datagrams: this.#parts.datagrams.counts,
      tls: this.#parts.tls,
      certificates: this.#parts.certificates,
      timings: timekeeper.timings,
      destinations: this.#parts.destinations.all,
      thread: this.#parts.thread,
      now: this.#parts.clock(),
    });
  }

  /** What one of its destinations is doing; `undefined` if it is not there. */
  destination(number: number): DestinationStatus | undefined {
    const { destinations, identity: { id }, registry } = this.#parts;
    const found = destinations.find(number);
    return found && destinationStatus(found, { id, live: liveBytes(registry.live) });
  }

  /** The oldest live sessions, at most so many. */
  sessions(limit: number): SessionInfo[] {
    const { registry, identity: { id, name }, clock } = this.#parts;
    return sessionInfos(registry.live, { listener: { id, name }, limit, now: clock() });
  }

  /** Ends a session at once. Returns whether it was there. */
  endSession(id: number): boolean {
    for (const session of this.#parts.registry.live) {
      if (session.id !== id) continue;
      session.abort("killed");
      return true;
    }
    return false;
  }

  /** Sets what the operator wants of a destination; nothing if it is not there. */
  setAdminState(number: number, state: AdminState): void {
    const destination = this.#parts.destinations.find(number);
    if (!destination || destination.admin === state) return;
    // Nobody has looked at it since.
    if (destination.admin === "maint") destination.forget();
    destination.admin = state;
    this.#parts.health.review(destination);
  }
}
