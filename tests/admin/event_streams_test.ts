import { assert, assertEquals } from "@std/assert";
import { EventStream } from "../../src/admin/event_stream.ts";
import { LIMITS } from "../../src/admin/limits.ts";
import type { LogEvent, Status } from "../../src/operations/operations.ts";
import type { History } from "../../src/operations/history.ts";
import { historyOf, pastOf } from "../support/histories.ts";
import { errorOf, TestAdmin } from "../support/admin.ts";
import { until, writeAll } from "../support/servers.ts";

/** What a reader of events has got. */
class Reader implements AsyncDisposable {
  readonly events: { event: string; data: unknown }[] = [];
  ended = false;
  readonly #abort: AbortController;
  readonly #reading: Promise<void>;

  private constructor(response: Response, abort: AbortController) {
    this.#abort = abort;
    this.#reading = this.#read(response);
  }

  static async open(admin: TestAdmin): Promise<Reader> {
    const abort = new AbortController();
    const response = await admin.fetch("/events", { signal: abort.signal });
    assertEquals(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
    return new Reader(response, abort);
  }

  of<T>(event: string): T[] {
    return this.events.filter((e) => e.event === event).map(({ data }) => data as T);
  }

  async #read(response: Response): Promise<void> {
    let text = "";
    try {
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
        const parts = (text + chunk).split("\n\n");
        text = parts.pop()!;
        for (const part of parts) {
          const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(part)!;
          this.events.push({ event: event!, data: JSON.parse(data!) });
        }
      }
    } catch {
      // It was left.
    }
    this.ended = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#reading;
  }
}

function logged(message: string): LogEvent {
  return { time: "2026-01-01T00:00:00Z", level: "info", message };
}

Deno.test("a reader gets the past, a status at once, and what happens then", async () => {
  await using admin = await TestAdmin.start({ limits: { eventInterval: 60_000 } });
  admin.events.add(logged("first"));
  admin.events.add(logged("second\nline"));
  await using reader = await Reader.open(admin);
  await until(() => reader.events.length === 4, "four events have arrived");
  assertEquals(reader.events.map(({ event }) => event), ["history", "log", "log", "status"]);
  admin.events.add(logged("third"));
  await until(() => reader.events.length === 5, "the next has arrived");
  assertEquals(reader.of("log"), ["first", "second\nline", "third"].map(logged));
  const mark = { time: "2026-01-01T00:00:00Z", uptime_ms: 1, kind: "down", text: "x" } as const;
  for (const follower of admin.operations.followers) follower(mark);
  await until(() => reader.events.length === 6, "the mark has arrived");
  assertEquals(reader.of("mark"), [mark]);
});

Deno.test("a reader who came after a change gets no status from before it", async () => {
  await using admin = await TestAdmin.start({ limits: { eventInterval: 5, snapshotAge: 0 } });
  const { operations } = admin;
  await using early = await Reader.open(admin);
  await until(() => early.of("status").length > 0, "the first reader is served");
  const status = operations.status.bind(operations);
  const held = Promise.withResolvers<void>();
  let asked = false;
  operations.status = async () => {
    const old = await status();
    operations.status = status;
    asked = true;
    await held.promise;
    return old;
  };
  await until(() => asked, "a status is being looked up");
  const change = { method: "PATCH", body: '{"state":"drain"}' };
  assertEquals((await (await admin.fetch("/destinations/1.1", change)).json()).admin, "drain");
  await using late = await Reader.open(admin);
  await until(() => late.of("status").length > 0, "the second reader is served");
  const seen = early.of("status").length;
  held.resolve();
  await until(() => early.of("status").length > seen, "the first reader is served again");
  for (const { listeners } of late.of<Status>("status")) {
    assertEquals(listeners[0]!.destinations[0]!.admin, "drain");
  }
});

Deno.test("of a past of many listeners a reader gets those that fit", async () => {
  await using admin = await TestAdmin.start({ limits: { streamHistory: 13_000 } });
  admin.operations.past = historyOf({
    listeners: [1, 2, 3].map((id) => pastOf({ id, name: `a${id}`, steps: 200 })),
  });
  await using reader = await Reader.open(admin);
  await until(() => reader.of("status").length > 0, "the beginning has arrived");
  assertEquals(reader.of<History>("history")[0]!.listeners.map(({ id }) => id), [1, 2]);
});

Deno.test("of a past that is too long a reader gets the latest", async () => {
  const limits = { streamBacklog: 100_000, streamBuffer: 10_000 };
  await using admin = await TestAdmin.start({ limits });
  for (const letter of "abcdefgh") admin.events.add(logged(letter.repeat(20_000)));
  await using reader = await Reader.open(admin);
  await until(() => reader.events.length >= 2, "two events have arrived");
  assertEquals(reader.of<LogEvent>("log").map(({ message }) => message[0]), ["g", "h"]);
  admin.events.add(logged("i"));
  await until(() => reader.of("log").length === 3, "the next one has arrived");
});

Deno.test("a status of the events has everything but the latencies of destinations", async () => {
  await using admin = await TestAdmin.start();
  await using reader = await Reader.open(admin);
  await until(() => reader.events.length > 0, "a status has arrived");
  const { listeners } = await (await admin.fetch("/status")).json();
  for (const { destinations } of listeners) {
    for (const destination of destinations) delete destination.latencies;
  }
  const [status] = reader.of<{ listeners: unknown }>("status");
  assertEquals(status!.listeners, listeners);
});

Deno.test("all readers share one status per interval, and there is none without readers", async () => {
  await using admin = await TestAdmin.start({ limits: { eventInterval: 20, snapshotAge: 0 } });
  const { looks } = admin.operations;
  {
    await using a = await Reader.open(admin);
    await using b = await Reader.open(admin);
    await using c = await Reader.open(admin);
    const enough = () => [a, b, c].every((reader) => reader.of("status").length >= 10);
    await until(enough, "ten statuses each have arrived");
    // One at once for each reader, one for all at each interval.
    assert(looks.status <= Math.max(...[a, b, c].map((r) => r.of("status").length)) + 5);
  }
  await until(() => admin.subscribed === 0, "the readers are gone, and the timer with them");
});

Deno.test("a new stream beyond the limit is refused until another one ends", async () => {
  await using admin = await TestAdmin.start({ limits: { streams: 2 } });
  await using _a = await Reader.open(admin);
  {
    await using _b = await Reader.open(admin);
    const response = await admin.fetch("/events");
    assertEquals(response.headers.get("retry-after"), "5");
    await errorOf(response, 503);
    const head = await admin.fetch("/events", { method: "HEAD" });
    assertEquals(head.status, 200);
  }
  await until(async () => {
    const response = await admin.fetch("/events");
    await response.body!.cancel();
    return response.status === 200;
  }, "there is room again");
});

Deno.test("closing ends the streams properly", async () => {
  const admin = await TestAdmin.start();
  await using reader = await Reader.open(admin);
  await until(() => reader.events.length > 0, "it has begun");
  await admin.close();
  await until(() => reader.ended, "the reader has seen the end");
});

Deno.test("a reader that does not read is cut, and its place is free at once", async () => {
  const limits = { streams: 1, streamBacklog: 256 * 1024, closePatience: 50 };
  await using admin = await TestAdmin.start({ limits });
  using conn = await admin.connect();
  const head = "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n";
  await writeAll(conn, new TextEncoder().encode(head));
  await until(() => admin.operations.looks.status > 0, "the stream is open");
  const message = "x".repeat(64 * 1024);
  // The kernel takes a few MiB before anything has to wait here; then nobody looks any more.
  await until(() => {
    admin.events.add(logged(message));
    return admin.subscribed === 0;
  }, "the reader was cut");
  await until(async () => {
    const response = await admin.fetch("/events");
    await response.body!.cancel();
    return response.status === 200;
  }, "there is room again");
});

Deno.test("statuses are left out for a reader that does not read, who is cut in the end", async () => {
  let ends = 0;
  const limits = { ...LIMITS, streamBuffer: 100, missedStatuses: 3 };
  const stream = new EventStream(limits, () => ends++);
  const bytes = new Uint8Array(60);
  for (let i = 0; i < 4; i++) stream.offer([bytes]);
  const reader = stream.body.getReader();
  assertEquals((await reader.read()).value, bytes);
  assertEquals((await reader.read()).value, bytes);
  // Two were left out; this one is not, and ends the row.
  for (let i = 0; i < 4; i++) stream.offer([bytes]);
  assertEquals(ends, 0);
  stream.offer([bytes]);
  assertEquals(ends, 1);
  stream.offer([bytes]);
  stream.send(bytes);
  stream.close();
  assertEquals(ends, 1);
  const cut = await reader.read().then(() => "read", (error) => error.name);
  assertEquals(cut, "SlowReaderError");
});
