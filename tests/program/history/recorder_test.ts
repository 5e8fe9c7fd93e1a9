import { assert, assertEquals, assertThrows } from "@std/assert";
import type { HistoryQuery, Mark } from "../../../src/operations/history.ts";
import { OperationError } from "../../../src/operations/operations.ts";
import type { DestinationSample, ListenerSample } from "../../../src/operations/sample.ts";
import { MOST_DESTINATIONS, Recorder } from "../../../src/program/history/recorder.ts";
import { destinationOf, listenerOf } from "../../support/statuses.ts";

/** A listener that tells the same at each look. */
interface Told {
  id: number;
  name: string;
  sample: ListenerSample | undefined;
}

/** A program by a clock of its own, of which each second is told. */
class Scene implements Disposable {
  now = 0;
  readonly marks: Mark[] = [];
  readonly listeners: Told[];
  readonly recorder: Recorder;

  constructor(...listeners: Told[]) {
    this.listeners = listeners;
    this.recorder = new Recorder({
      startedAt: 0,
      clock: () => this.now,
      listeners: () =>
        this.listeners.map((one) => ({
          ...one,
          balancer: { sample: (limit) => cut(one.sample, limit) },
        })),
      onError: (error) => {
        throw error;
      },
    });
    this.recorder.marks.follow((mark) => this.marks.push(mark));
    // The seconds of the test count, not those of the machine.
    this.recorder.pause();
  }

  async second(ms = 1000): Promise<void> {
    this.now += ms;
    await this.recorder.look();
  }

  get told(): string[] {
    return this.marks.splice(0).map(({ kind, text }) => `${kind}: ${text}`);
  }

  [Symbol.dispose](): void {
    this.recorder.stop();
  }
}

function cut(sample: ListenerSample | undefined, limit: number): ListenerSample | undefined {
  return sample && { ...sample, destinations: sample.destinations.slice(0, limit) };
}

function sampleOf(different: Partial<ListenerSample>): ListenerSample {
  return {
    ...{ waiting: 0, active: 0, accepted: 0, ended: {}, bytes_up: 0, bytes_down: 0 },
    ...{ queue: [], destinations: [] },
    ...different,
  };
}

function server(number: number, different: Partial<DestinationSample> = {}): DestinationSample {
  return {
    ...{ number, name: `db${number}`, state: "up", leaving: false, active: 0, downs: 0 },
    ...{ reason: "", sessions: 0, failures: 0, bytes_up: 0, bytes_down: 0, session: [] },
    ...different,
  };
}

Deno.test("each second becomes a step, by listener and by destination", async () => {
  using scene = new Scene();
  const sample = sampleOf({
    waiting: 3,
    accepted: 5,
    ended: { done: 4, "connect-failed": 1 },
    queue: [0, 10],
    destinations: [server(1, { sessions: 4, session: [60, 4], failures: 2 })],
  });
  scene.listeners.push({ id: 1, name: "web", sample });
  await scene.second();
  await scene.second();
  const { listeners, uptime_ms, step_ms } = JSON.parse(
    JSON.stringify(scene.recorder.history({ span: "5m", listener: "web" })),
  );
  assertEquals([uptime_ms, step_ms], [2000, 1000]);
  const [{ id, series, destinations }] = listeners;
  assertEquals([id, series.waiting, series.accepted_per_s], [1, [3, 3], [5, 5]]);
  assertEquals([series.ended_per_s, series.failed_per_s], [[5, 5], [1, 1]]);
  assertEquals(series.wait_p50_ms.map(Math.round), [1, 1]);
  assertEquals(destinations[0].id, "1.1");
  assertEquals(destinations[0].series.failures, [2, 2]);
  assert(Math.abs(destinations[0].series.session_p99_ms[0] - 33) < 1);
  // Of all listeners a day comes without destinations; there is none of another name.
  const kept = (query: HistoryQuery) => {
    return Object.keys(scene.recorder.history(query).listeners[0]!).includes("destinations");
  };
  assertEquals([kept({ span: "5m" }), kept({ span: "24h" })], [true, false]);
  assertEquals([kept({ span: "5m", brief: true }), kept({ span: "24h", listener: "1" })], [
    false,
    true,
  ]);
  assertThrows(() => scene.recorder.history({ span: "5m", listener: "2" }), OperationError);
});

Deno.test("a late look fills the seconds that it missed, and nothing is asked for twice in one", async () => {
  using scene = new Scene({ id: 1, name: "web", sample: sampleOf({ accepted: 6 }) });
  await scene.second();
  await scene.second(3100);
  await scene.second(300);
  const { listeners: [listener], uptime_ms } = scene.recorder.history({ span: "5m" });
  assertEquals(listener!.series.accepted_per_s, [6, 2, 2, 2]);
  assertEquals(uptime_ms, 4000);
  // Nothing is known of a thread that does not answer.
  scene.listeners[0]!.sample = undefined;
  await scene.second();
  const later = scene.recorder.history({ span: "5m" }).listeners[0]!;
  assertEquals(later.series.accepted_per_s, [6, 2, 2, 2, null]);
});

Deno.test("what is recent forgets what is older than five minutes", async () => {
  using scene = new Scene();
  const busy = sampleOf({
    ended: { done: 2 },
    destinations: [server(1, { sessions: 20, failures: 1, session: [60, 2] }), server(2)],
  });
  const idle = sampleOf({ destinations: [server(1), server(2)] });
  const listener = { id: 1, name: "web", sample: busy };
  scene.listeners.push(listener);
  await scene.second();
  const status = listenerOf({});
  const recentOf = () => {
    const { recent, destinations } = scene.recorder.completed(status);
    return { ended: recent?.ended, one: destinations[0]!.recent, other: destinations[1]!.recent };
  };
  assertEquals(recentOf().one?.sessions_per_s, 20);
  listener.sample = idle;
  for (let i = 0; i < 9; i++) await scene.second();
  assertEquals(recentOf().one?.sessions_per_s, 2);
  for (let i = 0; i < 220; i++) await scene.second();
  const { ended, one, other } = recentOf();
  assertEquals(ended, { done: 2 });
  assertEquals([one?.sessions_per_s, one?.failures], [0, 1]);
  assertEquals(Math.round(one!.session_p50_ms!), 33);
  assertEquals(other, {
    sessions_per_s: 0,
    failures: 0,
    session_p50_ms: null,
    session_p99_ms: null,
  });
  for (let i = 0; i < 75; i++) await scene.second();
  const last = recentOf();
  assertEquals(last.ended, {});
  assertEquals([last.one?.failures, last.one?.session_p50_ms], [0, null]);
  assertEquals(scene.recorder.completedOne(destinationOf({ id: "1.9" })).recent, null);
  assertEquals(scene.recorder.completed(listenerOf({ id: 4 })).recent, null);
});

Deno.test("a mark tells what has become of a destination, also within a second", async () => {
  using scene = new Scene({ id: 1, name: "web", sample: undefined });
  const see = async (...destinations: DestinationSample[]) => {
    scene.listeners[0]!.sample = sampleOf({ destinations });
    await scene.second();
    return scene.told;
  };
  assertEquals(await see(server(1, { state: "untried" }), server(2, { state: "drain" })), []);
  assertEquals(await see(server(1), server(2, { state: "up" })), [
    "ready: db2 is in service again",
  ]);
  const down = { state: "down", downs: 1, reason: "connection refused" } as const;
  assertEquals(await see(server(1, down), server(2)), ["down: db1 is down: connection refused"]);
  assertEquals(await see(server(1, { state: "down" }), server(2)), []);
  assertEquals(await see(server(1), server(2, { downs: 1, reason: "timed out" })), [
    "up: db1 is up again",
    "down: db2 is down: timed out",
    "up: db2 is up again, within a second",
  ]);
  assertEquals(await see(server(1, { state: "maint" }), server(2, { state: "drain" })), [
    "maint: db1 is in maintenance",
    "drain: db2 is drained",
  ]);
  assertEquals(await see(server(1, { state: "maint" }), server(2, { state: "drain" }), server(3)), [
    "added: db3 was added",
  ]);
  // One that leaves is told of once, whether it has sessions to finish or not.
  const leaving = { state: "drain", leaving: true } as const;
  assertEquals(await see(server(2, leaving), server(3)), [
    "removed: db2 was removed",
    "removed: db1 was removed",
  ]);
  assertEquals(await see(server(3)), []);
  const many = Array.from({ length: 12 }, (_, i) => server(3 + i));
  assertEquals(await see(...many), [
    "added: 11 destinations were added: db4, db5, db6 and 8 others",
  ]);
});

Deno.test("marks tell of the start, of reloads and of listeners; the latest 200 are kept", async () => {
  using scene = new Scene();
  const { recorder } = scene;
  assertEquals(recorder.history({ span: "5m" }).marks.map(({ kind }) => kind), ["start"]);
  scene.listeners.push({ id: 1, name: "web", sample: sampleOf({}) });
  await scene.second();
  assertEquals(scene.told, ["added: listener web was added"]);
  scene.listeners.push({ id: 2, name: "db", sample: sampleOf({}) });
  await scene.second();
  scene.listeners.shift();
  await scene.second();
  recorder.reloaded({ changes: ["a", "b"], needs_restart: [] });
  assertEquals(scene.told, [
    "added: listener db was added",
    "removed: listener web was removed",
    "reload: reloaded: 2 things different",
  ]);
  for (let i = 0; i < 300; i++) recorder.reloaded({ changes: [], needs_restart: [] });
  assertEquals(recorder.history({ span: "24h" }).marks.length, 200);
});

Deno.test("of many destinations the first ones have a history", async () => {
  const all = Array.from({ length: MOST_DESTINATIONS - 1 }, (_, i) => server(i + 1));
  const few = [server(1), server(2), server(3)];
  using scene = new Scene(
    { id: 1, name: "a", sample: sampleOf({ destinations: all }) },
    { id: 2, name: "b", sample: sampleOf({ destinations: few }) },
  );
  await scene.second();
  await scene.second();
  const { recorder } = scene;
  const of = (listener: string) => recorder.history({ span: "5m", listener }).listeners[0]!;
  assertEquals(of("a").destinations!.length, MOST_DESTINATIONS - 1);
  assertEquals(of("b").destinations!.map(({ name }) => name), ["db1"]);
  // When one goes another one comes in; neither was added or removed for that.
  scene.listeners[0]!.sample = sampleOf({ destinations: all.slice(1) });
  await scene.second();
  await scene.second();
  assertEquals(of("b").destinations!.map(({ name }) => name), ["db1", "db2"]);
  assertEquals(scene.told, ["removed: db1 was removed"]);
});
