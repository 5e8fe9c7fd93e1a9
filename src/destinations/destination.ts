import type { AgentReport } from "./agent_report.ts";
import { Caution } from "./caution.ts";
import type { Clock } from "../base/clock.ts";
import type { DestinationConfig } from "../config/destination_text.ts";
import type { AutoLimit } from "./limits/auto_limit.ts";
import { type Connector, type ConnectorOptions, connectorTo } from "./connector.ts";
import type { LimitBoards } from "./limits/limit_boards.ts";
import type { LookupFailure } from "../net/dial.ts";
import type { AdminState } from "../operations/states.ts";
import { Share } from "./share.ts";
import { type DestinationState, Standing } from "./standing.ts";
import { dressed, unfinishedOf } from "./tls_connector.ts";
import { type ServiceContext, SILENT } from "../services/service.ts";
import type { Session } from "../session/session.ts";
import type { Trails } from "../net/trails.ts";
import { Timings } from "../session/timings.ts";
import type { TlsOutHost } from "../net/tls/out_terms.ts";

/** One server address with its state, its workers' number and its counters. */
export class Destination {
  /** How it is connected, for sessions, probes and checks alike, as it is configured now. */
  connector: Connector;
  /** Its number within the listener, from 1. */
  readonly number: number;
  /** Its place among those of its listener: the smaller one comes first; its number at first. */
  #place: number;
  /** What it is like: its health and what the operator wants, since when, and why. */
  readonly standing: Standing;
  /** Whether it is not up only because of its check: connects to it work. */
  onlyCheckFails = false;
  /** Called when the number of its workers has changed. */
  onLoadChange: ((destination: Destination) => void) | undefined;
  /** Called when something else may have changed who serves: its weight to or from 0, its tier. */
  onChange: ((destination: Destination) => void) | undefined;
  /** Workers that have a session. */
  active = 0;
  /** Sessions that were connected to it. */
  sessions = 0;
  /** Connects, probes and checks that failed. */
  failures = 0;
  /** Times that its agent was asked and said nothing that can be understood. */
  agentFailures = 0;
  /** Look-ups of its name that failed. */
  lookupFailures = 0;
  /** Called when one has failed. */
  onLookupFailure: ((failure: LookupFailure) => void) | undefined;
  /** Called when it has found that its server can take more sessions, or fewer. */
  onLimit: ((destination: Destination) => void) | undefined;
  /** Called when it is known for the first time where its name leads. */
  onLocated: (() => void) | undefined;
  /** Sessions that are connected to it. */
  established = 0;
  /** How carefully it is connected. */
  readonly caution = new Caution();
  /** Bytes of its ended sessions, client to destination. */
  bytesUp = 0;
  /** Bytes of its ended sessions, destination to client. */
  bytesDown = 0;
  readonly timings = new Timings();
  /** The configuration in force. */
  #config: DestinationConfig;
  /** How much of the sessions it may have. */
  readonly share: Share;
  /** Where handshakes have their descriptors from. */
  readonly #tlsHost: TlsOutHost | undefined;
  /** Workers that exist. */
  #workers = 0;
  /** Numbers of workers that have left. */
  readonly #freeNumbers: number[] = [];
  /** Aborted when its idle workers have to leave. */
  #standby = new AbortController();

  /**
   * @param options.trails Notes the ways of its connections, as those of a listener's.
   * @param options.names Looks its name up; the system's unless given.
   * @param options.boards What threads share that have it; none do unless given.
   */
  constructor(
    config: DestinationConfig,
    clock: Clock,
    number = 1,
    options: Pick<ConnectorOptions, "names" | "udp"> & {
      tlsHost?: TlsOutHost | undefined;
      trails?: Trails;
      listener?: number;
      services?: ServiceContext | undefined;
      boards?: LimitBoards | undefined;
    } = {},
  ) {
    this.number = number;
    this.#place = number;
    this.#config = config;
    const { trails, listener = 1, names, boards, udp, services = SILENT, tlsHost } = options;
    const connector = connectorTo(config.address, {
      way: trails && { trails, step: { listener, destination: number } },
      names,
      udp,
      onLookupFailure: (failure) => {
        this.lookupFailures++;
        this.onLookupFailure?.(failure);
      },
      onLocated: () => this.onLocated?.(),
      service: { destination: this, context: services },
    });
    this.#tlsHost = tlsHost;
    this.connector = this.#dressed(connector);
    this.share = new Share(() => this.#config, clock, boards && (() => boards.of(number)));
    this.share.onLimit = () => this.onLimit?.(this);
    this.standing = new Standing(clock, () => this.agent);
    this.forget();
  }

  /** What it is called in logs, which another configuration may change. */
  get name(): string {
    return this.#config.name;
  }

  /** A new one has to be of the same address. */
  get config(): DestinationConfig {
    return this.#config;
  }

  set config(config: DestinationConfig) {
    const { enabled, config: { backup } } = this;
    this.#config = config;
    this.connector = this.#dressed(this.connector);
    this.share.review();
    if (enabled !== this.enabled || backup !== config.backup) this.onChange?.(this);
    else this.onLoadChange?.(this);
  }

  /** Connections of TLS that were given up half-way and that its server has not let go. */
  get unfinishedTls(): number {
    return unfinishedOf(this.connector)?.number ?? 0;
  }

  #dressed(connector: Connector): Connector {
    return dressed(connector, { config: this.#config, host: this.#tlsHost });
  }

  /** Finds its limit; `undefined` where that is a number. */
  get auto(): AutoLimit | undefined {
    return this.share.auto;
  }

  /** Where it stands in the configuration: behind those that have a smaller one. */
  get place(): number {
    return this.#place;
  }

  set place(place: number) {
    if (place === this.#place) return;
    this.#place = place;
    this.onLoadChange?.(this);
  }

  /** What its server says of itself; a new report counts at once. */
  get agent(): AgentReport {
    return this.share.report;
  }

  set agent(report: AgentReport) {
    this.share.report = report;
    this.standing.review();
    this.onChange?.(this);
  }

  /** Nothing is known of its health any more: it is new, or was not looked at for a while. */
  forget(): void {
    this.state = this.connector.isTried ? "untried" : "up";
    this.onlyCheckFails = false;
    this.share.startSlowly(0);
  }

  /** Its health. */
  get state(): DestinationState {
    return this.standing.health;
  }

  set state(health: DestinationState) {
    this.standing.health = health;
  }

  /** What the operator wants of it. */
  get admin(): AdminState {
    return this.standing.admin;
  }

  set admin(admin: AdminState) {
    this.standing.admin = admin;
  }

  /** Whether it was removed from the configuration and only finishes its sessions. */
  get leaving(): boolean {
    return this.standing.leaving;
  }

  set leaving(leaving: boolean) {
    this.standing.leaving = leaving;
  }

  /** Whether it may take sessions as far as its health is concerned. */
  get usable(): boolean {
    return this.standing.usable;
  }

  /** Whether it may take sessions as far as the operator, its server and its weight are concerned. */
  get enabled(): boolean {
    const { admin, down } = this.agent;
    return this.admin === "ready" && !this.leaving && admin === "ready" && !down &&
      this.share.fullWeight > 0;
  }

  /** Whether nobody is to look at it: the operator says so, or its server. */
  get inMaintenance(): boolean {
    return this.admin === "maint" || this.agent.admin === "maint";
  }

  /** Workers that exist: with a session, or idle. */
  get workers(): number {
    return this.#workers;
  }

  set workers(number: number) {
    this.#workers = number;
    this.onLoadChange?.(this);
  }

  /** Workers that wait for a session. */
  get waiting(): number {
    return this.workers - this.active;
  }

  /**
   * Its share of the sessions relative to the others at the moment: the configured weight, what its
   * server makes of that, and less of it after it has come back. 0 = it takes nobody new, whatever the
   * policy. A multiple of 1/64, so that policies can calculate with it exactly.
   */
  get weight(): number {
    return this.share.weight;
  }

  /** Most workers at the moment: the configured number, or less after it has come back or was full. */
  get limit(): number {
    return this.caution.limit(this.share.limit, this.established);
  }

  /** Whether it may have one more worker. */
  get hasRoom(): boolean {
    return this.workers < this.limit;
  }

  /**
   * How full it is: the share of its limit that has workers, smaller for a greater weight. A slow start
   * counts once, in the limit.
   */
  get load(): number {
    return this.workers / (this.limit * (this.share.fullWeight || 1));
  }

  /** A number for a worker that has come and is counted, from 1: none that another one has. */
  takeNumber(): number {
    return this.#freeNumbers.pop() ?? this.#workers;
  }

  /** A worker leaves, who is still counted; its number is free. */
  giveNumber(number: number): void {
    this.#freeNumbers.push(number);
  }

  /** Aborted when its idle workers are dismissed. */
  get idleSignal(): AbortSignal {
    return this.#standby.signal;
  }

  /** Lets it have its workers back little by little, over so many milliseconds. */
  startSlowly(length: number): void {
    this.share.startSlowly(length);
  }

  /** A session has left it: it has ended, or goes on elsewhere. */
  left({ up, down, acceptedAt, connectedAt, endedAt }: Session): void {
    this.active--;
    this.bytesUp += up.bytes;
    this.bytesDown += down.bytes;
    if (connectedAt !== undefined && endedAt !== undefined) {
      this.timings.session.observe(endedAt - acceptedAt);
    }
  }

  /** Dismisses its idle workers; those that have a session finish it. */
  dismiss(): void {
    this.#standby.abort();
    this.#standby = new AbortController();
  }
}
