import { BUCKETS_S, type HistogramData } from "../../src/histogram.ts";
import {
  type DestinationChange,
  type DestinationStatus,
  type Latencies,
  type ListenerStatus,
  type NewDestination,
  OperationError,
  type Operations,
  type ReloadResult,
  type SessionInfo,
  type Status,
} from "../../src/operations.ts";

/** A program that can be seen and changed, with nothing behind it. Everything may be set. */
export class FakeOperations implements Operations {
  listeners: ListenerStatus[] = [listener(1, { name: "8080" })];
  live: SessionInfo[] = [];
  state: Status["state"] = "running";
  /** How often something was looked up. */
  readonly looks = { status: 0, sessions: 0 };
  /** What was asked for, in order. */
  readonly asked: unknown[] = [];
  /** What the next operation that changes something fails with. */
  failure: Error | undefined;
  reloaded: ReloadResult = { changes: [], needs_restart: [] };

  status(): Promise<Status> {
    this.looks.status++;
    const { state, listeners } = this;
    const time = new Date().toISOString();
    const status = { version: "1.2.3", pid: 42, time, uptime_ms: 60_000, state, listeners };
    return Promise.resolve(structuredClone(status));
  }

  sessions({ limit }: { limit: number }): Promise<SessionInfo[]> {
    this.looks.sessions++;
    return Promise.resolve(this.live.slice(0, limit));
  }

  endSession(id: string): Promise<void> {
    return this.#do(["endSession", id], () => {
      const at = this.live.findIndex((session) => session.id === id);
      if (at < 0) throw new OperationError("missing", `there is no session ${id}`);
      this.live.splice(at, 1);
    });
  }

  addDestination(wanted: NewDestination): Promise<DestinationStatus> {
    return this.#do(["addDestination", wanted], () => {
      const [first] = this.listeners;
      const { address: name, workers, weight, backup } = wanted;
      const id = `${first!.id}.${first!.destinations.length + 1}`;
      const added = destination(id, {
        name,
        ...(workers !== undefined && { limit: workers }),
        ...(weight !== undefined && { weight }),
        ...(backup !== undefined && { backup }),
      });
      first!.destinations.push(added);
      return added;
    });
  }

  changeDestination(id: string, change: DestinationChange): Promise<DestinationStatus> {
    return this.#do(["changeDestination", id, change], () => {
      const found = this.#find(id);
      if (change.state) {
        found.admin = change.state;
        found.state = change.state === "ready" ? "up" : change.state;
      }
      found.limit = change.workers ?? found.limit;
      found.weight = change.weight ?? found.weight;
      return found;
    });
  }

  removeDestination(id: string): Promise<void> {
    return this.#do(["removeDestination", id], () => {
      this.#find(id).leaving = true;
    });
  }

  beginDrain(): void {
    this.asked.push(["beginDrain"]);
    this.state = "draining";
  }

  reload(): Promise<ReloadResult> {
    return this.#do(["reload"], () => this.reloaded);
  }

  // deno-lint-ignore require-await -- a failure is a rejection
  async #do<T>(asked: unknown, work: () => T): Promise<T> {
    this.asked.push(asked);
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

/** A listener with one destination that is up; everything may be given otherwise. */
export function listener(id: number, rest: Partial<ListenerStatus> = {}): ListenerStatus {
  return {
    id,
    name: String(8080 + id),
    address: `0.0.0.0:${8080 + id}`,
    state: "running",
    accepted: 10,
    waiting: 2,
    oldest_waiting_ms: 1500,
    queue: 1024,
    active: 3,
    bytes_up: 1000,
    bytes_down: 2000,
    ended: { done: 4, "queue-timeout": 1 },
    latencies: latencies([0.0002, 0.004, 0.2, 7, 1000]),
    destinations: [destination(`${id}.1`)],
    ...rest,
  };
}

/** A destination that is up; everything may be given otherwise. */
export function destination(id: string, rest: Partial<DestinationStatus> = {}): DestinationStatus {
  return {
    id,
    name: "10.0.0.7:9003",
    state: "up",
    admin: "ready",
    leaving: false,
    limit: 256,
    weight: 1,
    backup: false,
    workers: 5,
    active: 3,
    sessions: 7,
    failures: 1,
    bytes_up: 1000,
    bytes_down: 2000,
    latencies: latencies([0.001, 0.3]),
    ...rest,
  };
}

/** A session that waits; everything may be given otherwise. */
export function liveSession(id: string, rest: Partial<SessionInfo> = {}): SessionInfo {
  return {
    id,
    listener: "8080",
    client: "192.0.2.1:40000",
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

/** The same values for all three distributions, in seconds. */
export function latencies(seconds: readonly number[]): Latencies {
  return { queue: data(seconds), connect: data(seconds), session: data(seconds) };
}

function data(seconds: readonly number[]): HistogramData {
  const counts = new Array<number>(BUCKETS_S.length + 1).fill(0);
  for (const value of seconds) {
    const bucket = BUCKETS_S.findIndex((bound) => value <= bound);
    counts[bucket < 0 ? BUCKETS_S.length : bucket]!++;
  }
  return { counts, count: seconds.length, sum: seconds.reduce((sum, n) => sum + n, 0) };
}
