import type { Logger } from "@logtape/logtape";
import type { TaskGroup } from "../async/task_group.ts";
import type { Clock } from "../base/clock.ts";
import type { Settings } from "../config/options.ts";
import type { DestinationSet } from "../destinations/destination_set.ts";
import type { Health } from "../destinations/health.ts";
import type { DescriptorBudget } from "../net/descriptor_budget.ts";
import type { FairReads } from "../net/fair_reads.ts";
import type { Resolver } from "../net/dns/records.ts";
import type { ListenerNames } from "../net/listener_names.ts";
import type { Trails } from "../net/trails.ts";
import type { SessionRegistry } from "../session/registry.ts";
import type { Steps } from "../session/steps.ts";
import type { TimeoutSweep } from "../session/timeouts.ts";
import type { Timekeeper } from "../session/timings.ts";
import type { Admission } from "./admission.ts";
import type { Identity } from "./balancer.ts";
import type { Bindings } from "./bindings.ts";
import type { Datagrams } from "./datagrams.ts";
import type { Farewells } from "./farewells.ts";
import type { Forecaster } from "./forecaster.ts";
import type { Gate } from "./gate.ts";
import type { TlsGreeting } from "./greeting/tls_greeting.ts";
import type { Inspections } from "./inspections.ts";
import type { Overload } from "./overload/overload.ts";
import type { Queue } from "./queue.ts";
import type { QueueOrder } from "./queue_order.ts";
import type { Routes } from "./routes/routes.ts";
import type { SessionDescriptors } from "./session_descriptors.ts";
import type { StallDetector } from "./stall_detector.ts";
import type { Certificates } from "./tls/certificates.ts";
import type { WaitingTimeouts } from "./waiting_timeouts.ts";
import type { WorkerContext } from "./worker.ts";
import type { WorkerPool } from "./worker_pool.ts";

/** The parts of one balancer, connected with each other. */
export interface Parts {
  readonly identity: Identity;
  /** The settings in force: every part looks at these, and a reload changes them in place. */
  readonly settings: Settings;
  readonly log: Logger;
  readonly clock: Clock;
  readonly steps: Steps;
  /** Its index if it is one of several threads, whose start and drain are told by who runs them. */
  readonly thread: number | undefined;
  readonly descriptors: DescriptorBudget;
  /** Those of its sessions. */
  readonly sessionDescriptors: SessionDescriptors;
  /** Every live session, and how the others ended. */
  readonly registry: SessionRegistry;
  readonly queue: Queue;
  /** In which order the queue serves. */
  readonly order: QueueOrder;
  readonly gate: Gate;
  /** What clients of TLS are shown. */
  readonly certificates: Certificates;
  readonly tls: TlsGreeting;
  /** Tells clients that are turned away. */
  readonly farewells: Farewells;
  readonly admission: Admission;
  readonly destinations: DestinationSet;
  readonly bindings: Bindings;
  readonly overload: Overload;
  readonly pool: WorkerPool;
  readonly health: Health;
  readonly fairReads: FairReads;
  /** What is only for UDP. */
  readonly datagrams: Datagrams;
  readonly sweep: TimeoutSweep;
  /** Ends who waits for too long. */
  readonly waitingTimeouts: WaitingTimeouts;
  readonly forecaster: Forecaster;
  /** Which destinations serve which sessions. */
  readonly routes: Routes;
  /** Who looks into which sessions. */
  readonly inspections: Inspections;
  readonly stallDetector: StallDetector;
  readonly workerContext: WorkerContext;
  readonly timekeeper: Timekeeper;
  /** Workers and probes under way: all have ended before the balancer has. */
  readonly tasks: TaskGroup;
  readonly trails: Trails;
  /** Asks name servers; closed at the very end. */
  readonly resolver: Resolver;
  /** Looks up the names of plain destinations. */
  readonly names: ListenerNames;
  /** Aborted at the very end: stops what only serves sessions, such as probing. */
  readonly ending: AbortController;
}
