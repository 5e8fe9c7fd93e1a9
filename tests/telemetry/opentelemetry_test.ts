import { assertEquals, assertStringIncludes } from "@std/assert";
import { BUCKETS_S, Histogram } from "../../src/operations/histogram.ts";
import type { Status } from "../../src/operations/operations.ts";
import type { DestinationStatus } from "../../src/operations/destination_status.ts";
import { openDurations } from "../../src/telemetry/opentelemetry.ts";
import { Collector } from "../support/collector.ts";
import { until } from "../support/servers.ts";

const MAIN = new URL("../support/telemetry_main.ts", import.meta.url).pathname;
const empty = new Histogram().data;
const latencies = { queue: empty, connect: empty, session: empty };

function destination(name: string, rest: Partial<DestinationStatus> = {}): DestinationStatus {
  return {
    ...{ id: "1.1", name, state: "up", admin: "ready", leaving: false, limit: 256, weight: 2 },
    ...{
      backup: false,
      tier: 0,
      tls_unfinished: 1,
      last_check: { ok: true, age_ms: 5, took_ms: 2 },
      workers: 3,
      limit_reason: "configured",
      limit_changes: 2,
      active: 2,
      sessions: 40,
      failures: 1,
      lookup_failures: 2,
      agent_failures: 1,
    },
    ...{ bytes_up: 400, bytes_down: 500, latencies },
    ...rest,
  } as DestinationStatus;
}

const STATUS: Status = {
  version: "0.1.0",
  pid: 1,
  generation: 3,
  time: "2026-01-02T03:04:05.678Z",
  uptime_ms: 1500,
  state: "running",
  log_lines_lost: { access: 5, log: 0 },
  departed: [],
  listeners: [{
    ...{ id: 1, name: "8080", address: "[::]:8080", state: "running", latencies },
    ...{ balance: "fifo", recent: null },
    ...{
      accepted: 50,
      greeting: 3,
      waiting: 4,
      waiting_clients: 5,
      next: "turns",
      oldest_waiting_ms: 2500,
      queue: 1024,
      waits_at_most_ms: 30_000,
      active: 2,
    },
    ...{
      unbound: 6,
      overloaded: 1,
      patience_ms: 500,
      answered: 8,
      gave_up: 9,
      bytes_up: 700,
      bytes_down: 800,
    },
    ...{ datagrams_up: 21, datagrams_down: 22 },
    ...{ datagrams_dropped: 23, datagrams_foreign: 24, datagrams_unsent: 25 },
    ...{ tls_pending: 26, tls_handshakes: 27 },
    certificates: [{
      path: "a.pem",
      names: ["a.example"],
      expires: "2026-01-02T03:04:33.678Z",
      expires_in_s: 28,
    }],
    forecast: {
      ...{ expected_wait_ms: 1500, clears_in_ms: null, load: 1.5 },
      ...{ offered_per_s: 30, capacity_per_s: 20, gave_up_per_s: 1, turned_away_per_s: 2 },
    },
    ended: { done: 40, "client-gone": 4 },
    children: [],
    routes: [],
    names: [],
    destinations: [
      destination("9001"),
      destination("9002", { state: "down", active: 0 }),
      destination("9001", { leaving: true, sessions: 7 }),
    ],
  }, {
    // Removed, and finishes its sessions beside the one that was added again.
    ...{ id: 2, name: "8080", address: "[::]:8080", state: "draining", latencies, ended: {} },
    ...{ balance: "fifo", recent: null },
    ...{
      accepted: 999,
      greeting: 999,
      waiting: 999,
      waiting_clients: 999,
      next: "oldest",
      oldest_waiting_ms: 999,
      queue: 999,
      waits_at_most_ms: 999,
      active: 999,
      unbound: 999,
      overloaded: 0,
      patience_ms: 0,
      answered: 999,
      gave_up: 999,
    },
    forecast: {
      ...{ expected_wait_ms: 999, clears_in_ms: 999, load: 999 },
      ...{ offered_per_s: 999, capacity_per_s: 999, gave_up_per_s: 999, turned_away_per_s: 999 },
    },
    ...{ bytes_up: 999, bytes_down: 999, children: [], routes: [], names: [] },
    ...{ datagrams_up: 999, datagrams_down: 999 },
    ...{ datagrams_dropped: 999, datagrams_foreign: 999, datagrams_unsent: 999 },
    ...{ tls_pending: 999, tls_handshakes: 999, certificates: [] },
    destinations: [destination("9001", { sessions: 999 })],
  }],
};

/** Starts a process that exports a state. */
function spawn(options: { env?: Record<string, string>; failures?: number }) {
  const state = JSON.stringify({ status: STATUS, failures: options.failures ?? 0 });
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", MAIN, state],
    env: options.env ?? {},
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  return {
    async [Symbol.asyncDispose]() {
      await child.stdin.close().catch(() => {});
      await child.status;
    },
    async end(): Promise<string> {
      await child.stdin.close();
      const { success, stdout } = await child.output();
      assertEquals(success, true);
      return new TextDecoder().decode(stdout);
    },
  };
}

Deno.test("without OTEL_DENO there is nothing to record with, and no permission is needed", async () => {
  assertEquals(await openDurations(), undefined);
  assertEquals(await spawn({}).end(), "off\n");
});

Deno.test("every number of the state reaches a collector, with its unit and attributes", async () => {
  await using collector = new Collector();
  const child = spawn({ env: collector.env });
  const listener = { listener: "8080" };
  const first = { ...listener, destination: "9001" };
  const second = { ...listener, destination: "9002" };
  await collector.has("iawlb.uptime", 1.5);
  const expected: [string, string, string, Record<string, string>, number][] = [
    ["iawlb.uptime", "gauge", "s", {}, 1.5],
    ["iawlb.draining", "gauge", "1", {}, 0],
    ["iawlb.generation", "gauge", "1", {}, 3],
    ["iawlb.log.lines_lost", "counter", "{line}", { log: "access" }, 5],
    ["iawlb.sessions.accepted", "counter", "{session}", listener, 1049],
    ["iawlb.sessions.ended", "counter", "{session}", { ...listener, reason: "done" }, 40],
    ["iawlb.sessions.ended", "counter", "{session}", { ...listener, reason: "client-gone" }, 4],
    ["iawlb.sessions.greeting", "gauge", "{session}", listener, 1002],
    ["iawlb.sessions.waiting", "gauge", "{session}", listener, 1003],
    ["iawlb.queue.clients", "gauge", "{client}", listener, 1004],
    ["iawlb.sessions.active", "gauge", "{session}", listener, 1001],
    ["iawlb.sessions.unbound", "counter", "{session}", listener, 1005],
    ["iawlb.queue.overloaded", "gauge", "1", listener, 1],
    ["iawlb.queue.patience", "gauge", "s", listener, 0.5],
    ["iawlb.sessions.answered", "counter", "{session}", listener, 1007],
    ["iawlb.sessions.gave_up", "counter", "{session}", listener, 1008],
    ["iawlb.load.offered", "gauge", "{session}/s", listener, 30],
    ["iawlb.load.capacity", "gauge", "{session}/s", listener, 20],
    ["iawlb.queue.expected_wait", "gauge", "s", listener, 1.5],
    ["iawlb.queue.limit", "gauge", "{session}", listener, 1024],
    ["iawlb.queue.timeout", "gauge", "s", listener, 30],
    ["iawlb.queue.oldest_waiting", "gauge", "s", listener, 2.5],
    ["iawlb.bytes", "counter", "By", { ...listener, direction: "up" }, 1699],
    ["iawlb.bytes", "counter", "By", { ...listener, direction: "down" }, 1799],
    ["iawlb.datagrams", "counter", "{datagram}", { ...listener, direction: "up" }, 1020],
    ["iawlb.datagrams", "counter", "{datagram}", { ...listener, direction: "down" }, 1021],
    ["iawlb.datagrams.lost", "counter", "{datagram}", { ...listener, reason: "dropped" }, 1022],
    ["iawlb.datagrams.lost", "counter", "{datagram}", { ...listener, reason: "foreign" }, 1023],
    ["iawlb.datagrams.lost", "counter", "{datagram}", { ...listener, reason: "unsent" }, 1024],
    ["iawlb.tls.handshakes.pending", "gauge", "{handshake}", listener, 1025],
    ["iawlb.tls.handshakes", "counter", "{handshake}", listener, 1026],
    ["iawlb.tls.certificate.expires_in", "gauge", "s", { ...listener, certificate: "a.pem" }, 28],
    ["iawlb.destination.up", "gauge", "1", first, 1],
    ["iawlb.destination.up", "gauge", "1", second, 0],
    ["iawlb.destination.state", "gauge", "1", { ...second, state: "down" }, 1],
    ["iawlb.destination.state", "gauge", "1", { ...second, state: "up" }, 0],
    ["iawlb.destination.check.duration", "gauge", "s", first, 0.002],
    ["iawlb.destination.tls_unfinished", "gauge", "{connection}", first, 3],
    ["iawlb.destination.workers", "gauge", "{worker}", first, 9],
    ["iawlb.destination.active", "gauge", "{session}", second, 0],
    ["iawlb.destination.limit", "gauge", "{session}", first, 256],
    ["iawlb.destination.limit_reason", "gauge", "1", { ...first, reason: "configured" }, 1],
    ["iawlb.destination.limit_changes", "counter", "{change}", first, 6],
    ["iawlb.destination.weight", "gauge", "1", first, 2],
    ["iawlb.destination.tier", "gauge", "1", first, 0],
    ["iawlb.destination.sessions", "counter", "{session}", first, 1046],
    ["iawlb.destination.failures", "counter", "{failure}", first, 3],
    ["iawlb.destination.lookup_failures", "counter", "{failure}", first, 6],
    ["iawlb.destination.agent_failures", "counter", "{failure}", first, 3],
    ["iawlb.destination.bytes", "counter", "By", { ...first, direction: "up" }, 1200],
    ["iawlb.destination.bytes", "counter", "By", { ...second, direction: "down" }, 500],
  ];
  for (const [name, kind, unit, attributes, value] of expected) {
    await collector.has(name, value, attributes);
    const [sample] = collector.samples(name);
    assertEquals([sample!.kind, sample!.unit], [kind, unit], name);
  }
  const names = new Set([...expected.map(([name]) => name), "iawlb.queue", "iawlb.session"]);
  assertEquals(collector.names, [...names].sort());
  await child.end();
});

Deno.test("durations are histograms in seconds, with the bounds of the others", async () => {
  await using collector = new Collector();
  const child = spawn({ env: collector.env });
  await collector.has("iawlb.queue", 2, { listener: "8080", destination: "9001" });
  const [queue] = collector.samples("iawlb.queue");
  assertEquals([queue!.kind, queue!.unit, queue!.sum], ["histogram", "s", 0.01]);
  assertEquals(queue!.bounds, [...BUCKETS_S]);
  await collector.has("iawlb.session", 1, { listener: "8080" });
  assertEquals(collector.samples("iawlb.session")[0]!.sum, 0.1);
  assertStringIncludes(await child.end(), "on\n");
});

Deno.test("a round that fails is told and is not the last", async () => {
  await using collector = new Collector();
  const child = spawn({ env: collector.env, failures: 2 });
  await collector.has("iawlb.sessions.waiting", 1003, { listener: "8080" });
  await until(() => collector.rounds > 3, "there are more rounds");
  assertStringIncludes(await child.end(), "Error: round 1 failed\nError: round 2 failed\n");
});
