import { assert, assertEquals } from "@std/assert";
import { getLogger } from "@logtape/logtape";
import { fc } from "../support/properties.ts";
import { Admission } from "../../src/balancer/admission.ts";
import { DescriptorBudget } from "../../src/net/descriptor_budget.ts";
import type { Stream } from "../../src/net/stream.ts";
import { SessionRegistry } from "../../src/session/registry.ts";
import { Queue } from "../../src/balancer/queue.ts";
import { MOST_WATCHED } from "../../src/session/read_ahead.ts";
import { Session } from "../../src/session/session.ts";
import { type EndReason } from "../../src/operations/end_reasons.ts";
import { StrictPool } from "../support/strict_pool.ts";

type Event =
  | { kind: "arrive"; number: number }
  | { kind: "take" }
  | { kind: "connect"; which: number }
  | { kind: "fail"; which: number }
  | { kind: "finish"; which: number }
  | { kind: "send"; which: number; bytes: number }
  | { kind: "leave"; which: number; how: "closed" | "reset" }
  | { kind: "reload"; halfClose: "keep" | "abandon" }
  | { kind: "late"; which: number; reason: EndReason }
  | { kind: "cut" };

const which = fc.oneof(fc.nat(3), fc.nat(30));
const events = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("arrive"), number: fc.nat(3) }) },
    { weight: 6, arbitrary: fc.constant({ kind: "take" }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("connect"), which }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("fail"), which }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("finish"), which }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant("leave"),
        which,
        how: fc.constantFrom("closed", "reset"),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant("send"),
        which,
        bytes: fc.constantFrom(1, 100, 4095, 4096, 20_000, 100_000),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("reload"),
        halfClose: fc.constantFrom("keep", "abandon"),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("late"),
        which,
        reason: fc.constantFrom("queue-timeout", "session-timeout"),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: "cut" }) },
  ) as fc.Arbitrary<Event>,
  // Without a size they would have ten at most.
  { maxLength: 120, size: "max" },
);

/** A client's socket that has input when the test says so. */
function fakeClient() {
  let closed = 0;
  let sent = 0;
  /** Bytes that were not read yet. */
  let there = 0;
  let ended = false;
  let failure: Error | undefined;
  /** The read that waits. */
  let read: { buffer: Uint8Array; settle: PromiseWithResolvers<number> } | undefined;
  function look(): void {
    if (!read) return;
    const { buffer, settle } = read;
    const size = Math.min(there, buffer.length);
    if (!failure && size === 0 && !ended) return;
    read = undefined;
    there -= size;
    if (failure) settle.reject(failure);
    else settle.resolve(size);
  }
  const stream: Pick<Stream, "remoteAddress" | "read" | "close"> = {
    remoteAddress: { transport: "tcp", hostname: "192.0.2.1", port: 1 },
    read(buffer: Uint8Array) {
      const settle = Promise.withResolvers<number>();
      read = { buffer, settle };
      look();
      return settle.promise;
    },
    close() {
      closed++;
      failure = new Deno.errors.Interrupted("closed");
      look();
    },
  };
  return {
    stream: stream as Stream,
    send(bytes: number) {
      if (ended) return;
      there += bytes;
      sent += bytes;
      look();
    },
    leave(how: "closed" | "reset") {
      if (how === "closed") ended = true;
      else failure = new Deno.errors.ConnectionReset("reset");
      look();
    },
    /** Whether it has left and there is not more before its end than is read of a client. */
    seenLeaving: () => (ended || failure !== undefined) && sent < MOST_WATCHED,
    closed: () => closed,
  };
}

const DESTINATION = { idleSignal: new AbortController().signal };

/** Queue and registry, with a worker that receives sessions when it is told to. */
class Harness {
  readonly ended: { id: number; reason: EndReason }[] = [];
  readonly taken: number[] = [];
  readonly returned = new Set<number>();
  readonly clients = new Map<Session, ReturnType<typeof fakeClient>>();
  readonly registry = new SessionRegistry({
    clock: () => 0,
    observer: { onEnd: ({ id, reason }) => this.ended.push({ id, reason: reason! }) },
  });
  readonly buffers = new StrictPool();
  readonly settings: { halfClose: "keep" | "abandon" } = { halfClose: "keep" };
  readonly queue: Queue;
  /** Sessions that a worker has. */
  working: Session[] = [];

  constructor() {
    const admission = new Admission({
      settings: {
        maxConnections: 1000,
        maxPerIp: 0,
        ratePerIp: 0,
        perIpMask: { v4: 32, v6: 64 },
        rateGuard: null,
      },
      rules: [],
      registry: this.registry,
      descriptors: new DescriptorBudget({ countFree: (wanted) => wanted }),
      clock: () => 0,
      log: getLogger("test"),
    });
    this.queue = new Queue({
      capacity: 1000,
      registry: this.registry,
      admission,
      clock: () => 0,
    });
  }

  async run(event: Event): Promise<void> {
    const live = [...this.registry.live];
    switch (event.kind) {
      case "arrive": {
        const sessions = Array.from({ length: event.number + 1 }, () => {
          const client = fakeClient();
          const { buffers, settings } = this;
          const options = { id: this.registry.accepted + 1, now: 0, buffers, settings };
          const session = new Session(client.stream, options);
          session.startReading();
          this.clients.set(session, client);
          this.registry.open(session);
          return session;
        });
        await this.queue.join(sessions);
        break;
      }
      case "take":
        await this.take();
        break;
      case "connect": {
        const session = this.working[event.which];
        if (session && session.reason === undefined) session.stage = "relaying";
        break;
      }
      case "fail": {
        const session = this.#takeWorking(event.which);
        if (!session) break;
        this.returned.add(session.id);
        if (session.reason) this.registry.finish(session);
        else this.queue.giveBack(session);
        break;
      }
      case "finish": {
        const session = this.#takeWorking(event.which);
        if (session) this.registry.finish(session);
        break;
      }
      case "leave": {
        this.clients.get(live[event.which]!)?.leave(event.how);
        break;
      }
      case "send":
        this.clients.get(live[event.which]!)?.send(event.bytes);
        break;
      case "reload":
        this.settings.halfClose = event.halfClose;
        for (const session of live) session.review();
        break;
      case "late":
        live[event.which]?.abort(event.reason);
        break;
      case "cut":
        this.queue.turnAway("quit");
        for (const session of live) session.abort("quit");
        break;
    }
  }

  /** Sessions that wait or are being connected although their client has been seen leaving. */
  get overlooked(): number[] {
    const overlooked = [...this.registry.live].filter((session) => {
      const unaware = session.stage === "waiting" || session.reason === undefined;
      return unaware && session.stage !== "relaying" && this.clients.get(session)!.seenLeaving();
    });
    return overlooked.map(({ id }) => id);
  }

  /** What a worker does with the first of the line. */
  async take(): Promise<void> {
    if (this.queue.size === 0) return;
    const session = await this.queue.receive(DESTINATION);
    if (session.reason) {
      this.registry.finish(session);
      return;
    }
    if (!this.returned.has(session.id)) this.taken.push(session.id);
    session.stage = "connecting";
    session.holder = undefined;
    this.working.push(session);
  }

  #takeWorking(which: number): Session | undefined {
    return this.working.splice(which, 1)[0];
  }
}

Deno.test("whatever happens, every session ends once, is closed, and was taken in order", async () => {
  await fc.assert(
    fc.asyncProperty(events, async (events) => {
      const harness = new Harness();
      for (const event of events) {
        await harness.run(event);
        for (let i = 0; i < 20; i++) await Promise.resolve();
        assert(harness.registry.balanced);
        if (harness.settings.halfClose === "abandon") assertEquals(harness.overlooked, []);
      }
      while (harness.queue.size > 0) await harness.take();
      for (const session of harness.working) harness.registry.finish(session);
      assertEquals(harness.registry.live.size, 0);
      for (let i = 0; i < 20; i++) await Promise.resolve();
      assertEquals(harness.buffers.out, 0);
      const ids = harness.ended.map(({ id }) => id).sort((a, b) => a - b);
      assertEquals(ids, Array.from({ length: harness.registry.accepted }, (_, i) => i + 1));
      for (const client of harness.clients.values()) assertEquals(client.closed(), 1);
      assertEquals(harness.taken, [...harness.taken].sort((a, b) => a - b));
    }),
    { numRuns: 500 },
  );
});
