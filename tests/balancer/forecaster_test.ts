import { assert, assertEquals } from "@std/assert";
import { Forecaster } from "../../src/balancer/forecaster.ts";
import { END_REASONS, type EndReason } from "../../src/operations/end_reasons.ts";
import type { Forecast } from "../../src/operations/forecast.ts";
import type { Session } from "../../src/session/session.ts";
import { TestBalancer } from "../support/balancer.ts";
import { Random } from "../support/random.ts";
import { request, TestServer, until } from "../support/servers.ts";

/** What is simulated: times are in milliseconds, rates per second. */
interface Case {
  readonly slots: number;
  /** How long the next session has its slot. */
  service(random: Random, now: number): number;
  /** How many sessions come at this time. */
  offered(now: number): number;
  readonly seconds: number;
  /** How long a client waits before it leaves; for ever unless given. */
  readonly patience?: number;
  /** Turns away whoever is expected to wait for longer. */
  readonly maxWait?: number;
  /** Slots that are taken by sessions that never end. */
  readonly stuck?: number;
}

interface Client {
  readonly acceptedAt: number;
  readonly expected: number | undefined;
  connectStartedAt?: number;
  connectedAt?: number;
  endedAt?: number;
  reason?: EndReason;
}

/** Runs servers that have one session in each slot, behind one queue; returns all clients. */
function simulate(
  theCase: Case,
  options: { onSecond?: (forecast: Forecast, now: number) => void },
) {
  const { slots, seconds, patience = Infinity, maxWait = Infinity, stuck = 0 } = theCase;
  const random = new Random(7);
  const ended = Object.fromEntries(Object.keys(END_REASONS).map((reason) => [reason, 0])) as Record<
    EndReason,
    number
  >;
  const registry = { accepted: 0, ended };
  const waiting: Client[] = [];
  const served: { client: Client; until: number }[] = [];
  const queue = {
    get size() {
      return waiting.length;
    },
    aheadOf: () => waiting.length,
  };
  let now = 0;
  const forecaster = new Forecaster({
    queue,
    registry,
    slots: () => slots,
    free: () => served.length < slots - stuck && waiting.length === 0,
    clock: () => now,
  });
  const clients: Client[] = [];
  const serve = () => {
    while (served.length < slots - stuck && waiting.length > 0) {
      const client = waiting.shift()!;
      client.connectStartedAt = client.connectedAt = now;
      forecaster.noteConnected(client as unknown as Session);
      served.push({ client, until: now + theCase.service(random, now) });
    }
  };
  const end = (client: Client, reason: EndReason) => {
    Object.assign(client, { endedAt: now, reason });
    ended[reason]++;
    forecaster.noteEnd(client as unknown as Session);
  };
  let next = 0;
  for (let tick = 0; tick < seconds * 1000; tick++) {
    now = tick;
    if (tick % 250 === 0) forecaster.sample();
    if (tick % 1000 === 999) options.onSecond?.(forecaster.data, now);
    for (const one of served.filter(({ until }) => until <= now)) {
      served.splice(served.indexOf(one), 1);
      end(one.client, "done");
    }
    while (waiting[0] && now - waiting[0].acceptedAt >= patience) {
      end(waiting.shift()!, "client-gone");
    }
    serve();
    if (theCase.offered(now) === 0) next = now + 1;
    while (next <= now) {
      registry.accepted++;
      const expected = forecaster.expectedWait();
      if (expected !== undefined && expected > maxWait) ended["refused-wait"]++;
      else {
        const client: Client = { acceptedAt: now, expected };
        clients.push(client);
        waiting.push(client);
        serve();
        forecaster.noteWaiting();
      }
      next -= Math.log(1 - random.next()) * 1000 / theCase.offered(now);
    }
  }
  return { clients, ended };
}

/** Those of the clients that were expected to wait, with how many times that was right. */
function ratios(clients: readonly Client[], { from = 0, least = 50 } = {}): number[] {
  const known = clients.filter(({ acceptedAt, connectStartedAt, endedAt, expected }) => {
    return acceptedAt >= from && expected !== undefined && (connectStartedAt ?? endedAt);
  });
  return known.map(({ acceptedAt, connectStartedAt, endedAt, expected }) => {
    return { wait: (connectStartedAt ?? endedAt!) - acceptedAt, expected: expected! };
  }).filter(({ wait, expected }) => Math.max(wait, expected) >= least)
    .map(({ wait, expected }) => expected / Math.max(wait, 1)).toSorted((a, b) => a - b);
}

function assertRight(clients: readonly Client[], options: { from?: number; least?: number }): void {
  const all = ratios(clients, options);
  assert(all.length > 50, `${all.length} clients`);
  const at = (share: number) => all[Math.floor(share * (all.length - 1))]!;
  const told = `p10 ${at(0.1)}, p50 ${at(0.5)}, p90 ${at(0.9)} of ${all.length}`;
  assert(at(0.5) > 1 / 1.5 && at(0.5) < 1.5, told);
  assert(at(0.1) > 1 / 2 && at(0.9) < 2, told);
}

const exponential = (mean: number) => (random: Random) => -Math.log(1 - random.next()) * mean;

const CASES: Record<string, Case & { from?: number; least?: number }> = {
  "a burst at a server that does one thing at a time": {
    slots: 1,
    service: () => 10,
    offered: (now) => now < 3000 ? 30 : now < 3300 ? 1000 : 10,
    seconds: 7,
    from: 3000,
  },
  "a standing queue from which clients leave": {
    slots: 1,
    service: () => 10,
    offered: () => 200,
    seconds: 12,
    patience: 500,
    from: 4000,
  },
  "eight slots with times that differ much": {
    slots: 8,
    service: exponential(80),
    offered: (now) => now % 4000 < 2000 ? 180 : 30,
    seconds: 20,
    from: 2000,
    least: 100,
  },
  "slots that are taken for good by some": {
    slots: 10,
    stuck: 8,
    service: () => 20,
    offered: (now) => now % 4000 < 2000 ? 160 : 30,
    seconds: 20,
    from: 1500,
    least: 100,
  },
  "a server that becomes five times slower": {
    slots: 1,
    service: (_, now) => now < 5000 ? 10 : 50,
    offered: (now) => now < 5000 ? 60 : 40,
    seconds: 12,
    from: 6500,
    least: 100,
  },
};

for (const [name, { from, least, ...theCase }] of Object.entries(CASES)) {
  Deno.test(`the expected wait is right within a factor: ${name}`, () => {
    const { clients } = simulate(theCase, {});
    assertRight(clients, {
      ...from !== undefined && { from },
      ...least !== undefined && { least },
    });
  });
}

Deno.test("the load is what comes by what can be served, below and above 1", () => {
  for (const [offered, load] of [[50, 0.5], [90, 0.9], [200, 2], [1000, 10]] as const) {
    let last: Forecast | undefined;
    simulate({
      slots: 1,
      service: () => 10,
      offered: () => offered,
      seconds: 10,
      patience: 500,
    }, { onSecond: (forecast) => last = forecast });
    const { load: told, offered_per_s, gave_up_per_s, clears_in_ms } = last!;
    const text = JSON.stringify(last);
    assert(told! > load / 1.3 && told! < load * 1.3, text);
    assert(offered_per_s > offered / 1.2 && offered_per_s < offered * 1.2, text);
    const leaving = Math.max(offered - 100, 0);
    assert(Math.abs(gave_up_per_s - leaving) <= 0.2 * offered, text);
    if (load >= 2) assertEquals(clears_in_ms, null, text);
  }
});

Deno.test("when the queue is over is told once nobody new comes, within a fifth", () => {
  const told: { now: number; clears: number | null }[] = [];
  let clearedAt = 0;
  simulate({ slots: 1, service: () => 10, offered: (now) => now < 5000 ? 250 : 0, seconds: 16 }, {
    onSecond({ clears_in_ms }, now) {
      told.push({ now, clears: clears_in_ms });
      if (clears_in_ms === 0 && clearedAt === 0 && now > 5000) clearedAt = now;
    },
  });
  // 250 come and 100 are served in each of 5 s: the rest takes 7.5 s.
  assert(clearedAt >= 12_000 && clearedAt <= 13_000, `${clearedAt}`);
  for (const { now, clears } of told.filter(({ now }) => now > 6000 && now < clearedAt - 1500)) {
    const left = 12_500 - now;
    assert(clears! > left * 0.8 && clears! < left * 1.2, `${now}: ${clears} of ${left}`);
  }
  assertEquals(told[3]!.clears, null, "the queue got longer");
});

Deno.test("a queue that is short only because clients are turned away is not said to clear", () => {
  for (const offered of [24, 100]) {
    const told: (number | null)[] = [];
    simulate({
      slots: 1,
      service: () => 100,
      offered: () => offered,
      seconds: 20,
      maxWait: 500,
    }, { onSecond: ({ clears_in_ms }, now) => now > 3000 && told.push(clears_in_ms) });
    assert(told.length > 10);
    assertEquals(told.filter((clears) => clears !== null), [], `${offered}: ${told}`);
  }
});

Deno.test("with --max-wait nobody waits in vain, and the server has no pause", () => {
  for (const offered of [150, 300, 1000]) {
    const { clients, ended } = simulate({
      slots: 1,
      service: () => 10,
      offered: () => offered,
      seconds: 20,
      maxWait: 200,
    }, {});
    const late = clients.filter(({ acceptedAt, connectStartedAt }) => {
      return connectStartedAt === undefined ? false : connectStartedAt - acceptedAt > 250;
    });
    assertEquals(late.length, 0, `${offered}`);
    assert(ended.done > 1950, `${offered}: ${ended.done}`);
    assert(ended["refused-wait"] > 0);
  }
});

/** A forecaster whose sessions, clock, slots and queue are as is said. */
function byHand(options: { slots: number }) {
  const state = { now: 0, free: true, waiting: 0, ...options };
  const ended = Object.fromEntries(Object.keys(END_REASONS).map((reason) => [reason, 0])) as Record<
    EndReason,
    number
  >;
  const registry = { accepted: 0, ended };
  const forecaster = new Forecaster({
    queue: {
      get size() {
        return state.waiting;
      },
      aheadOf: () => state.waiting,
    },
    registry,
    slots: () => state.slots,
    free: () => state.free,
    clock: () => state.now,
  });
  return {
    state,
    forecaster,
    /** Lets time pass in which the program runs. */
    pass(ms: number) {
      const until = state.now + ms;
      while (state.now < until) {
        state.now = Math.min(state.now + 250, until);
        forecaster.sample();
      }
    },
    /** A session ends now that had a slot for so long. */
    end(ms: number) {
      const begin = state.now - ms;
      forecaster.noteEnd(
        {
          connectStartedAt: begin,
          connectedAt: begin,
          endedAt: state.now,
          reason: "done",
        } as Session,
      );
    },
  };
}

Deno.test("sessions that are far longer than others turn nobody away", () => {
  const { state, forecaster, pass, end } = byHand({ slots: 2 });
  const ends = (ms: number, number = 1) => {
    for (let i = 0; i < number; i++) {
      pass(Math.min(ms, 60_000));
      end(ms);
    }
  };
  ends(50, 20);
  ends(30_000, 2);
  state.free = false;
  assert(forecaster.expectedWait()! < 100, `${forecaster.expectedWait()}`);
  // A tenth of them are idle for hours.
  for (let i = 0; i < 10; i++) {
    ends(50, 9);
    ends(4 * 3600_000);
    assert(forecaster.expectedWait()! < 100, `${forecaster.expectedWait()}`);
  }
});

Deno.test("a server that is a hundred times slower is known after three seconds, and faster, too", () => {
  const { state, forecaster, pass, end } = byHand({ slots: 1 });
  const serve = (ms: number, number: number) => {
    for (let i = 0; i < number; i++) {
      pass(ms);
      end(ms);
    }
  };
  serve(10, 40);
  Object.assign(state, { free: false, waiting: 4 });
  forecaster.noteWaiting();
  serve(10, 300);
  assert(Math.abs(forecaster.expectedWait()! - 50) < 25, `${forecaster.expectedWait()}`);
  serve(1000, 4);
  assert(Math.abs(forecaster.expectedWait()! - 5000) < 2500, `${forecaster.expectedWait()}`);
  serve(1000, 40);
  assert(Math.abs(forecaster.expectedWait()! - 5000) < 500, `${forecaster.expectedWait()}`);
  serve(10, 300);
  assert(Math.abs(forecaster.expectedWait()! - 50) < 25, `${forecaster.expectedWait()}`);
});

Deno.test("a pause of the server is forgotten once it is over, and counts until then", () => {
  for (const waiting of [1, 3]) {
    const { state, forecaster, pass, end } = byHand({ slots: 1 });
    for (let i = 0; i < 20; i++) {
      pass(10);
      end(10);
    }
    Object.assign(state, { free: false, waiting });
    forecaster.noteWaiting();
    pass(5000);
    assert(forecaster.expectedWait()! > 1000, `${forecaster.expectedWait()}`);
    state.waiting--;
    end(5000);
    pass(10);
    state.waiting = Math.max(state.waiting - 1, 0);
    end(10);
    pass(30);
    assert(forecaster.expectedWait()! < 100, `${waiting}: ${forecaster.expectedWait()}`);
    assert(forecaster.data.capacity_per_s! > 30, `${waiting}: ${forecaster.data.capacity_per_s}`);
  }
});

Deno.test("time in which the program stands still is no time of service", () => {
  for (const waiting of [0, 5]) {
    const { state, forecaster, pass, end } = byHand({ slots: 8 });
    for (let i = 0; i < 40; i++) {
      pass(10);
      end(10);
    }
    Object.assign(state, { free: false, waiting });
    forecaster.noteWaiting();
    pass(250);
    state.now += 20_000;
    for (let i = 0; i < 8; i++) end(20_010);
    pass(10);
    assert(forecaster.expectedWait()! < 200, `${waiting}: ${forecaster.expectedWait()}`);
    assert(forecaster.data.capacity_per_s! > 20, `${waiting}: ${forecaster.data.capacity_per_s}`);
  }
});

Deno.test("without a slot, or before anybody was served, nothing is known", () => {
  const { state, forecaster, pass, end } = byHand({ slots: 0 });
  const assertUnknown = () => {
    const { expected_wait_ms, clears_in_ms, capacity_per_s, load } = forecaster.data;
    assertEquals([expected_wait_ms, clears_in_ms, capacity_per_s, load], [null, null, null, null]);
    assertEquals(forecaster.expectedWait(), undefined);
  };
  Object.assign(state, { free: false, waiting: 5 });
  forecaster.noteWaiting();
  pass(5000);
  assertUnknown();
  state.slots = 1;
  pass(3000);
  assertUnknown();
  end(10);
  assert(forecaster.data.capacity_per_s! > 0);
  state.slots = 0;
  pass(3000);
  assertUnknown();
  // When there are slots again, nobody has been kept waiting by those that had them.
  state.slots = 1;
  pass(250);
  assert(forecaster.data.capacity_per_s! > 3, `${forecaster.data.capacity_per_s}`);
});

Deno.test("who comes now waits for those that are before it in the order of the queue", () => {
  let now = 0;
  let ahead = 50;
  const queue = { size: 50, aheadOf: () => ahead };
  const ended = Object.fromEntries(Object.keys(END_REASONS).map((reason) => [reason, 0])) as Record<
    EndReason,
    number
  >;
  const forecaster = new Forecaster({
    queue,
    registry: { accepted: 0, ended },
    slots: () => 2,
    free: () => false,
    clock: () => now,
  });
  now = 20;
  const client = { connectStartedAt: 0, connectedAt: 0, endedAt: 20, reason: "done" };
  forecaster.noteEnd(client as Session);
  assertEquals(forecaster.expectedWait(), 51 * 10);
  ahead = 4;
  assertEquals(forecaster.expectedWait(), 5 * 10);
  ahead = 0;
  assertEquals(forecaster.expectedWait(), 10);
});

Deno.test("a real server that does one thing at a time: the wait is as expected", async () => {
  const serviceMs = 25;
  await using server = new TestServer(async (conn) => {
    const buffer = new Uint8Array(100);
    while (await conn.read(buffer) !== null);
    await new Promise((resolve) => setTimeout(resolve, serviceMs));
    await conn.write(buffer.subarray(0, 1));
  });
  await using test = await TestBalancer.start([server.address], { workers: "1" });
  for (let i = 0; i < 5; i++) await request(test.port, "hello");
  assertEquals(test.status.forecast.expected_wait_ms, 0);
  const burst = Array.from({ length: 40 }, () => request(test.port, "hello"));
  await until(() => test.status.waiting >= 35, "they wait");
  const { expected_wait_ms, clears_in_ms } = test.status.forecast;
  const begin = performance.now();
  await request(test.port, "hello");
  const waited = performance.now() - begin;
  await Promise.all(burst);
  const told = `${expected_wait_ms} and ${clears_in_ms} of ${waited} ms`;
  assert(expected_wait_ms! > waited / 3 && expected_wait_ms! < waited * 3, told);
  assert(clears_in_ms === null || clears_in_ms > waited / 3, told);
});

Deno.test("a session that was silent for long, on real sockets, turns nobody away after it", async () => {
  await using server = new TestServer(async (conn) => {
    const buffer = new Uint8Array(100);
    while (await conn.read(buffer) !== null);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await conn.write(buffer.subarray(0, 1));
  });
  const options = { workers: "2", overflow: "reject", maxWait: "500ms" };
  await using test = await TestBalancer.start([server.address], options);
  for (let i = 0; i < 5; i++) await request(test.port, "hello");
  const silent = await Promise.all([1, 2].map(() => Deno.connect({ port: test.port })));
  await until(() => test.status.active === 2, "both slots are taken");
  const begin = performance.now();
  await until(() => performance.now() - begin > 2500, "they are far longer than the others");
  for (const conn of silent) conn.close();
  await until(() => test.status.active === 0, "they are over");
  for (let i = 0; i < 3; i++) {
    await Promise.all(Array.from({ length: 3 }, () => request(test.port, "hello")));
  }
  const { ended, forecast } = test.status;
  assertEquals(ended["refused-wait"] ?? 0, 0);
  assert(forecast.capacity_per_s! > 10, `${forecast.capacity_per_s}`);
});
