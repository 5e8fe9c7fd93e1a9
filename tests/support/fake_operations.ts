import type { ConfigInForce } from "../../src/operations/config_in_force.ts";
import {
  type Asked,
  type DestinationChange,
  type DestinationValues,
  type NewDestination,
  OperationError,
  type Operations,
  type ReloadResult,
  type SessionInfo,
  type Status,
} from "../../src/operations/operations.ts";
import type { InspectionSource, InspectionWish } from "../../src/operations/inspection.ts";
import { type DestinationStatus } from "../../src/operations/destination_status.ts";
import type { History, HistoryQuery, Mark } from "../../src/operations/history.ts";
import { type Latencies } from "../../src/operations/latencies.ts";
import { type ListenerStatus } from "../../src/operations/listener_status.ts";
import { historyOf } from "./histories.ts";
import { destinationOf, latenciesOf, listenerOf } from "./statuses.ts";

/** A program that can be seen and changed, with nothing behind it. Everything may be set. */
export class FakeOperations implements Operations {
  listeners: ListenerStatus[] = [listener(1, { name: "8080" })];
  live: SessionInfo[] = [];
  state: Status["state"] = "running";
  /** What an inspection reads. */
  inspected: InspectionSource[] = [];
  /** How often something was looked up. */
  readonly looks = { status: 0, sessions: 0 };
  /** What was asked for, in order. */
  readonly asked: unknown[] = [];
  /** Who has asked for it. */
  readonly askers: (string | undefined)[] = [];
  /** What the next operation that changes something fails with. */
  failure: Error | undefined;
  /** What it did; 5 minutes, whatever is asked for. */
  past: History = historyOf();
  /** Who is told of marks. */
  readonly followers = new Set<(mark: Mark) => void>();
  inForce: ConfigInForce = { file: "iawlb.toml", settings: {}, listeners: [] };
  reloaded: ReloadResult = { changes: [], needs_restart: [] };

  status(): Promise<Status> {
    this.looks.status++;
    const { state, listeners } = this;
    const time = new Date().toISOString();
    const lost = { access: 0, log: 0 };
    const status = {
      ...{ version: "1.2.3", pid: 42, generation: 1, time, uptime_ms: 60_000, state, listeners },
      ...{ log_lines_lost: lost, departed: [] },
    };
    return Promise.resolve(structuredClone(status));
  }

  sessions({ limit }: { limit: number }): Promise<SessionInfo[]> {
    this.looks.sessions++;
    return Promise.resolve(this.live.slice(0, limit));
  }

  history({ span }: HistoryQuery): History {
    return { ...this.past, span, step_ms: span === "5m" ? 1000 : 60_000 };
  }

  followMarks(follower: (mark: Mark) => void): () => void {
    this.followers.add(follower);
    return () => this.followers.delete(follower);
  }

  config(): Promise<ConfigInForce> {
    return Promise.resolve(this.inForce);
  }

  endSession(id: string, asked?: Asked): Promise<void> {
    return this.#do(asked, ["endSession", id], () => {
      const at = this.live.findIndex((session) => session.id === id);
      if (at < 0) throw new OperationError("missing", `there is no session ${id}`);
      this.live.splice(at, 1);
    });
  }

  inspect(wish: InspectionWish): Promise<InspectionSource[]> {
    return this.#do(undefined, ["inspect", wish], () => this.inspected);
  }

  addDestination(wanted: NewDestination, asked?: Asked): Promise<DestinationStatus> {
    return this.#do(asked, ["addDestination", wanted], () => {
      const [first] = this.listeners;
      const id = `${first!.id}.${first!.destinations.length + 1}`;
      const added = destination(id, { name: wanted.address, ...shownValues(wanted) });
      first!.destinations.push(added);
      return added;
    });
  }

  changeDestination(
    id: string,
    change: DestinationChange,
    asked?: Asked,
  ): Promise<DestinationStatus> {
    return this.#do(asked, ["changeDestination", id, change], () => {
      const found = this.#find(id);
      if (change.state) {
        found.admin = change.state;
        found.state = change.state === "ready" ? "up" : change.state;
      }
      return Object.assign(found, shownValues(change));
    });
  }

  removeDestination(id: string, asked?: Asked): Promise<void> {
    return this.#do(asked, ["removeDestination", id], () => {
      this.#find(id).leaving = true;
    });
  }

  beginDrain(asked?: Asked): void {
    this.asked.push(["beginDrain"]);
    this.askers.push(asked?.by);
    this.state = "draining";
  }

  reload(asked?: Asked): Promise<ReloadResult> {
    return this.#do(asked, ["reload"], () => this.reloaded);
  }

  // deno-lint-ignore require-await -- a failure is a rejection
  async #do<T>(by: Asked | undefined, asked: unknown, work: () => T): Promise<T> {
    this.asked.push(asked);
    this.askers.push(by?.by);
    if (this.failure) throw this.failure;
    return work();
  }

  #find(id: string): DestinationStatus {
    for (const { destinations } of this.listeners) {
      const found = destinations.find((destination) => destination.id === id);
      if (found) return found;
    }
    throw new OperationError("missing", `there is no destination ${id}`);
  }
}

/** A listener with one destination that has been at work; everything may be given otherwise. */
export function listener(id: number, rest: Partial<ListenerStatus> = {}): ListenerStatus {
  return listenerOf({
    id,
    name: String(8080 + id),
    address: `0.0.0.0:${8080 + id}`,
    accepted: 10,
    greeting: 0,
    waiting: 2,
    oldest_waiting_ms: 1500,
    active: 3,
    bytes_up: 1000,
    bytes_down: 2000,
    ended: { done: 4, "queue-timeout": 1 },
    latencies: same([0.2, 4, 200, 7000, 1_000_000]),
    destinations: [destination(`${id}.1`)],
    ...rest,
  });
}

/** A destination that has been at work; everything may be given otherwise. */
export function destination(id: string, rest: Partial<DestinationStatus> = {}): DestinationStatus {
  return destinationOf({
    id,
    name: "10.0.0.7:9003",
    limit: 256,
    limit_reason: "configured",
    limit_changes: 0,
    workers: 5,
    active: 3,
    sessions: 7,
    failures: 1,
    lookup_failures: 2,
    bytes_up: 1000,
    bytes_down: 2000,
    latencies: same([1, 300]),
    ...rest,
  });
}

/** A session that waits; everything may be given otherwise. */
export function liveSession(id: string, rest: Partial<SessionInfo> = {}): SessionInfo {
  return {
    id,
    listener: "8080",
    client: "192.0.2.1:40000",
    server_name: null,
    peer: rest.client ?? "192.0.2.1:40000",
    destination: null,
    stage: "waiting",
    place: 1,
    age_ms: 1500,
    bytes_up: 0,
    bytes_down: 0,
    attempts: 0,
    ...rest,
  };
}

function same(durations: number[]): Latencies {
  return latenciesOf({ queue: durations, connect: durations, session: durations });
}

/** Options as a status shows them, without those that were not given. */
function shownValues({ workers, weight, backup, check }: DestinationValues): object {
  const tier = backup === undefined ? undefined : Number(backup);
  const shown = {
    limit: workers,
    limit_reason: "configured",
    limit_changes: 0,
    weight,
    check,
    tier,
    backup: tier === undefined ? undefined : tier > 0,
  };
  return Object.fromEntries(Object.entries(shown).filter(([, value]) => value !== undefined));
}
