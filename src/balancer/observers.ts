import type { Logger } from "@logtape/logtape";
import { messageOf } from "../base/errors.ts";
import type { Destination } from "../destinations/destination.ts";
import type { Health } from "../destinations/health.ts";
import { TlsRefusals } from "../destinations/tls_refusals.ts";
import type { AccessLog } from "../logging/access_log.ts";
import type { DescriptorBudget } from "../net/descriptor_budget.ts";
import type { SessionObserver } from "../session/session_observer.ts";
import type { Session } from "../session/session.ts";
import type { Steps } from "../session/steps.ts";
import type { Timekeeper } from "../session/timings.ts";
import type { Admission } from "./admission.ts";
import type { ConnectObserver } from "./connect_observer.ts";
import type { Overload } from "./overload/overload.ts";
import type { Forecaster } from "./forecaster.ts";
import type { Inspections } from "./inspections.ts";
import type { Routes } from "./routes/routes.ts";
import type { WaitingTimeouts } from "./waiting_timeouts.ts";
import type { WorkerPool } from "./worker_pool.ts";

/** Those who want to know what happens in a balancer. */
export interface Observers {
  /** The listener's name, for the access log. */
  readonly listener: string;
  readonly admission: Admission;
  readonly overload: Overload;
  readonly forecaster: Forecaster;
  readonly routes: Routes;
  readonly waitingTimeouts: WaitingTimeouts;
  readonly timekeeper: Timekeeper;
  readonly steps: Steps;
  readonly inspections: Inspections;
  readonly access: Pick<AccessLog, "add"> | undefined;
  readonly health: Health;
  readonly pool: WorkerPool;
  readonly descriptors: DescriptorBudget;
  readonly log: Logger;
}

/**
 * Tells everybody in a balancer what happens to its sessions: the one place that says who learns of
 * what.
 */
export class Announcer implements SessionObserver, ConnectObserver {
  /** Set once all of them are there, which is before anything happens. */
  #observers!: Observers;
  #refusals!: TlsRefusals;

  /** Whom it tells from now on. */
  connect(observers: Observers): void {
    this.#observers = observers;
    this.#refusals = new TlsRefusals(observers.log);
  }

  onEnd(session: Session): void {
    const {
      admission,
      overload,
      forecaster,
      routes,
      waitingTimeouts,
      timekeeper,
      steps,
      inspections,
      access,
      listener,
    } = this.#observers;
    admission.leave(session);
    overload.ended(session);
    waitingTimeouts.forget(session);
    forecaster.noteEnd(session);
    if (session.route) routes.noteEnd(session);
    timekeeper.ended(session);
    if (steps.on) steps.closed(session);
    if (inspections.on) inspections.ended(session);
    access?.add(session, listener);
  }

  onConnected(session: Session, destination: Destination): void {
    const { health, forecaster, routes, waitingTimeouts, timekeeper, steps, inspections, pool } =
      this.#observers;
    waitingTimeouts.forget(session);
    forecaster.noteConnected(session);
    if (session.route) routes.noteConnected(session);
    if (destination.state === "untried") health.reached(destination);
    timekeeper.connected(session, destination);
    if (destination.caution.wary) pool.onConnected(destination);
    if (steps.on) steps.connected(session);
    if (inspections.on) inspections.connected(session, destination);
  }

  onFailure(destination: Destination, error: Error): void {
    this.#observers.health.failed(destination, error);
  }

  onFull(destination: Destination, error: Error): void {
    const { health, pool } = this.#observers;
    health.full(destination, error);
    pool.onFull(destination);
  }

  onShortage(error: Error): void {
    const { descriptors, health } = this.#observers;
    descriptors.noteShortage();
    health.shortage(error);
  }

  onReset(session: Session, destination: Destination, error: Error): void {
    const { log, health } = this.#observers;
    const { name } = destination;
    log.debug("session {id} at {name}: {reason}", {
      id: session.title,
      name,
      reason: messageOf(error),
    });
    this.#refusals.look(destination, error);
    health.doubt(destination);
  }

  onSilence(destination: Destination): void {
    // Without a check there is no way to tell.
    if (destination.config.check) this.#observers.health.doubt(destination);
  }
}
