import { TaskGroup } from "../async/task_group.ts";
import { monotonic } from "../base/clock.ts";
import type { ListenerConfig } from "../config/config.ts";
import type { Settings } from "../config/options.ts";
import { DestinationSet } from "../destinations/destination_set.ts";
import { Health } from "../destinations/health.ts";
import { BufferPool } from "../net/buffer_pool.ts";
import { DescriptorBudget } from "../net/descriptor_budget.ts";
import { FairReads } from "../net/fair_reads.ts";
import { makeResolver } from "../net/dns/resolver.ts";
import { ListenerNames } from "../net/listener_names.ts";
import { hasNodeTls } from "../net/tls/node_tls.ts";
import { noteOf, Trails } from "../net/trails.ts";
import { Loops } from "../session/loops.ts";
import { SessionRegistry } from "../session/registry.ts";
import { Steps } from "../session/steps.ts";
import { SILENT } from "../services/service.ts";
import { Timekeeper } from "../session/timings.ts";
import { Admission } from "./admission.ts";
import { Bindings } from "./bindings.ts";
import { Datagrams } from "./datagrams.ts";
import { Farewells } from "./farewells.ts";
import { Forecaster } from "./forecaster.ts";
import { Gate } from "./gate.ts";
import { Inspections } from "./inspections.ts";
import { HelloGreeting } from "./greeting/hello_greeting.ts";
import { ProxyGreeting } from "./greeting/proxy_greeting.ts";
import { TlsGreeting } from "./greeting/tls_greeting.ts";
import { Overload } from "./overload/overload.ts";
import { makePolicy } from "./policies/policies.ts";
import { Announcer } from "./observers.ts";
import { Panic } from "./panic.ts";
import { Queue } from "./queue.ts";
import { QueueOrder } from "./queue_order.ts";
import { Routes } from "./routes/routes.ts";
import { isServing, Serving } from "./serving.ts";
import { countUnconnected, SessionDescriptors } from "./session_descriptors.ts";
import { StallDetector } from "./stall_detector.ts";
import { Certificates } from "./tls/certificates.ts";
import { claimLinger } from "./tls/linger.ts";
import { makeSweep } from "./sweep.ts";
import { WaitingTimeouts } from "./waiting_timeouts.ts";
import { runWorker, type WorkerContext } from "./worker.ts";
import { WorkerPool } from "./worker_pool.ts";
import type { Parts } from "./parts.ts";
import type { WiringOptions } from "./wiring_options.ts";

export type { WiringOptions } from "./wiring_options.ts";

/**
 * Makes all parts of a balancer and connects them.
 *
 * The life of a session: the gate makes it of an accepted connection and hands it to the queue, a
 * worker receives it, connects and relays, and the registry closes it.
 */
export function wire(config: ListenerConfig, options: WiringOptions): Parts {
  const { identity, log, access, durations, thread, clock = monotonic } = options;
  const { id, name } = identity;
  const { descriptors = new DescriptorBudget(), trails = new Trails() } = options;
  const settings: Settings = { ...config };
  const resolver = makeResolver(settings.resolver);
  const names = new ListenerNames({ settings, resolver });
  const steps = new Steps(log, { on: settings.logLevel === "debug" });
  const ending = new AbortController();
  const timekeeper = new Timekeeper({ listener: name, durations });
  const tasks = new TaskGroup((error) => {
    log.error("a task failed, which is a defect: {error}", { error });
  });
  const loops = new Loops({
    trails,
    listener: { id, name },
    nameOf: (number) => destinations.find(number)?.name,
    clock,
    log,
  });
  const announcer = new Announcer();
  const buffers = new BufferPool();
  const farewells = new Farewells({ settings, buffers, descriptors, clock, tasks });
  const datagrams = new Datagrams(settings, { log, clock });
  const registry = new SessionRegistry({ clock, observer: announcer, farewell: farewells });
  const sessionDescriptors = new SessionDescriptors(descriptors);
  sessionDescriptors.join(config, {
    count: () => countUnconnected(registry),
    estimate: () => queue.size + gate.greeting,
  });
  const admission = new Admission({
    settings,
    rules: config.rules,
    registry,
    descriptors,
    sessionDescriptors,
    clock,
    log,
  });
  const waitingTimeouts = new WaitingTimeouts({ settings, clock });
  const order = new QueueOrder();
  const queue: Queue = new Queue({
    capacity: config.queue,
    lanes: order.lanes(config),
    registry,
    admission,
    clock,
    onWaiting(sessions) {
      if (sessions) waitingTimeouts.watch(sessions);
      pool.grow(sessions);
      bindings.watch();
      forecaster.noteWaiting();
      routes.noteWaiting(sessions);
    },
    bind: (sessions) => bindings.bind(sessions),
    refresh: (session) => routes.refresh(session),
    overload: () => overload,
  });
  const serving = new Serving({ panic: new Panic(log) });
  const routes: Routes = new Routes({ serving, queue: () => queue, pool: () => pool, clock });
  const policy = makePolicy(config.balance, config);
  const bindings = new Bindings({ policy, queue, clock });
  const pool = new WorkerPool({
    queue,
    policy,
    serving,
    bindings,
    spawn: (destination) => tasks.add(runWorker(destination, workerContext)),
    onStranded: (session) => session.abort("server-reset"),
  });
  const overload = new Overload({
    settings,
    queue,
    isServing: (one) => isServing((one && routes.membersFor(one)) ?? destinations.all, one),
    slotsFor: (session) => pool.slotsFor(session),
    clock,
    log,
  });
  const forecaster = new Forecaster({
    queue,
    registry,
    slots: () => pool.slots(),
    free: () => queue.idleWorkers > 0 || pool.hasRoomFor(),
    clock,
  });
  const certificates = new Certificates({
    settings,
    log,
    tells: (thread?.index ?? 0) === 0,
    onShortage: () => descriptors.noteShortage(),
  });
  const fairReads = new FairReads();
  const tls = new TlsGreeting({
    settings,
    routes,
    certificates,
    streams: { buffers, fairReads, tasks, linger: () => claimLinger(descriptors) },
    byNode: hasNodeTls(),
  });
  const gate = new Gate({
    settings,
    queue,
    admission,
    registry,
    ids: { listener: id, first: (thread?.index ?? 0) + 1, step: thread?.number ?? 1 },
    buffers,
    clock,
    log,
    steps,
    loops,
    tasks,
    greetings: [new ProxyGreeting(settings), tls, new HelloGreeting(settings, routes)],
    farewells,
    forecaster,
    routes,
    // It was accepted long before by whoever has started this program.
    listens: options.only !== undefined,
  });
  const workerContext: WorkerContext = {
    queue,
    registry,
    clock,
    settings,
    relaying: {
      buffers,
      fairReads,
      redispatch: settings.redispatch,
      steps,
      endIfLooped: (session, server) => loops.endIfLooped(session, noteOf(server)),
      onAnswer: (session) => overload.answered(session),
    },
    datagrams,
    log,
    steps,
    loops,
    attempts: [],
    observer: announcer,
    serves: (audience) => pool.serves(audience),
    waits: options.only?.waits ?? true,
    keeps: (destination) => pool.keeps(destination),
  };
  const health = new Health({
    workers: pool,
    isMissed: (destination) => serving.isMissed(destination),
    settings,
    signal: ending.signal,
    clock,
    descriptors,
    log,
    tasks,
    position: thread,
    triesNew: !options.only,
    names: options.names ?? names,
  });
  const inspections = new Inspections({
    listener: identity,
    registry,
    destinations: () => destinations.all,
    clock,
    signal: ending.signal,
  });
  announcer.connect({
    listener: name,
    admission,
    overload,
    forecaster,
    routes,
    waitingTimeouts,
    timekeeper,
    steps,
    inspections,
    access,
    health,
    pool,
    descriptors,
    log,
  });
  const destinations = new DestinationSet({
    pool,
    health,
    routes,
    tasks,
    clock,
    trails,
    listener: id,
    names: options.names ?? names,
    services: {
      claimProcess: () => descriptors.claimProcess(),
      show: options.show ?? SILENT.show,
      grace: () => settings.execGrace,
      log,
      datagrams: config.listen.transport === "udp",
    },
    udp: datagrams.sockets,
    tlsHost: descriptors,
    boards: options.boards,
  });
  return {
    identity,
    settings,
    log,
    clock,
    steps,
    thread: thread?.index,
    descriptors,
    sessionDescriptors,
    registry,
    queue,
    order,
    gate,
    certificates,
    tls,
    farewells,
    admission,
    destinations,
    bindings,
    overload,
    pool,
    health,
    fairReads,
    datagrams,
    sweep: makeSweep({ registry, settings, clock, forecaster, routes, overload }),
    waitingTimeouts,
    forecaster,
    routes,
    inspections,
    stallDetector: new StallDetector({ queue, pool, log }),
    workerContext,
    timekeeper,
    tasks,
    trails,
    resolver,
    names,
    ending,
  };
}
