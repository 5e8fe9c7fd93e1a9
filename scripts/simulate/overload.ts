/**
 * A discrete-event simulation of a queue in front of servers: the channel and the relief that the
 * program has, with a clock that stands still between events.
 */
import { Channel } from "../../src/async/channel.ts";
import { Relief, type WhenOverloaded } from "../../src/balancer/overload/relief.ts";
import { Random } from "../../tests/support/random.ts";
import type { Try } from "../bench/tally.ts";
import type { Arrival } from "./arrivals.ts";
import { EventHeap } from "./event_heap.ts";

/** What is simulated; times are milliseconds. */
export interface Scenario {
  readonly mode: WhenOverloaded;
  /** Offered load as a multiple of what the servers can do, at a time. */
  readonly load: number | ((now: number) => number);
  /** How long clients wait; each draws its own. */
  readonly patience: (random: Random) => number;
  /** How long an answer takes; exactly 10 unless given. */
  readonly service?: ((random: Random) => number) | undefined;
  /** The average of these. */
  readonly meanService?: number;
  /** Sessions that are served at a time; 1 unless given. */
  readonly slots?: number;
  /** How long it goes on, 60 s unless given, and from when on it counts, 5 s unless given. */
  readonly duration?: number;
  readonly warmUp?: number;
  /** How often a client that has failed comes back, within a second each; never unless given. */
  readonly retries?: number;
  /** Arrivals come so many at a time; 1 unless given. */
  readonly burst?: number;
  /** When servers answer nothing: what they have waits as long. */
  readonly stall?: { readonly from: number; readonly to: number };
  /** Sessions come at these times as well. */
  readonly extra?: readonly { readonly at: number; readonly number: number }[];
  /** The group of addresses of a client; one for all unless given. */
  readonly group?: (random: Random) => number;
  /** The patience by group, instead. */
  readonly patienceOf?: (group: number, random: Random) => number;
  readonly queue?: number;
  /** After so long in the queue a session is turned away; never unless given. */
  readonly queueTimeout?: number | undefined;
  readonly seed?: number;
  /** Who comes when, instead of what `load` and `patience` say. */
  readonly clients?: Iterable<Arrival>;
  /** How much longer than an answer takes a session has its slot; no longer unless given. */
  readonly overhead?: number;
  /** How long connecting and the answer are on their way to the client beyond that. */
  readonly travel?: number;
}

/** What came of it. */
export interface Outcome {
  /** Answers in time, as a share of what the servers could have given, and of what was offered. */
  readonly goodput: number;
  readonly served: number;
  /** Clients that came after the warm-up and were not answered in time. */
  readonly failed: number;
  /** The smaller one of capacity and offered load is what can be had; the share of that. */
  readonly ofPossible: number;
  /** Waits of those who were answered in time. */
  readonly p50: number;
  readonly p99: number;
  /** Share of the servers' time that was spent for clients that had left. */
  readonly wasted: number;
  readonly shed: number;
  readonly answered: number;
  readonly offered: number;
  /** Patience as it was seen at the end. */
  readonly patience: number;
  /** When answers in time were given, for recovery. */
  readonly answers: readonly number[];
  /** Everybody who came, and when they were answered in time, if they were. */
  readonly tries: readonly Try[];
}

interface Client {
  readonly cameAt: number;
  acceptedAt: number;
  readonly leavesAt: number;
  readonly tries: number;
  readonly group: number;
  readonly watch: { gaveUp: boolean };
  answeredAt: number | undefined;
  over: boolean;
}

type Event =
  | { kind: "arrive"; tries: number; more: boolean; patience?: number }
  | { kind: "leave" | "time out"; client: Client }
  | { kind: "answer"; client: Client; began: number };

/** Simulates one scenario. */
export async function simulate(scenario: Scenario): Promise<Outcome> {
  const { slots = 1, duration = 60_000, warmUp = 5000, retries = 0, burst = 1 } = scenario;
  const { meanService = 10, service = () => meanService, queue = 1024, stall } = scenario;
  const { queueTimeout, overhead = 0, travel = 0, clients } = scenario;
  const random = new Random(scenario.seed ?? 1);
  const loadAt = typeof scenario.load === "number" ? () => scenario.load as number : scenario.load;
  const capacity = slots / meanService;
  let now = 0;
  const taker = {};
  const channel = new Channel<Client>(queue);
  const events = new EventHeap<Event>();
  const waits: number[] = [];
  const answers: number[] = [];
  const all: Client[] = [];
  const counts = { failed: 0, offered: 0, shed: 0, busy: 0, wasted: 0, good: 0 };
  let active = 0;
  /** Those that the kernel holds. */
  const backlog: Client[] = [];
  const entered = new WeakSet<Client>();
  const waiting = new Set<Client>();
  const relief = new Relief<Client>({
    clock: () => now,
    mode: () => scenario.mode,
    line: {
      oldestFor: () => channel.waiting.oldest,
      nextToShedFor: () => channel.waiting.nextToShed,
      mayHave: () => true,
      isCrowded: () => channel.size > slots - active,
      all: () => channel.waiting,
      shed(client) {
        channel.remove(client);
        waiting.delete(client);
        if (now >= warmUp) counts.shed++;
        const age = now - client.acceptedAt;
        if (!client.watch.gaveUp) relief.controller.patience.stayed(age, client.group);
        fail(client);
      },
    },
  });
  const on = scenario.mode !== "hold";

  function fail(client: Client): void {
    if (client.over) return;
    client.over = true;
    if (client.cameAt >= warmUp) counts.failed++;
    if (client.tries >= retries) return;
    const at = now + random.next() * 1000;
    const patience = clients && client.leavesAt - client.cameAt;
    const again = { kind: "arrive", tries: client.tries + 1, more: false } as const;
    events.add(at, patience === undefined ? again : { ...again, patience });
  }

  function arrive(tries: number, given?: number): void {
    const group = scenario.group?.(random) ?? 0;
    const patience = given ?? scenario.patienceOf?.(group, random) ?? scenario.patience(random);
    const client = {
      cameAt: now,
      acceptedAt: now,
      leavesAt: now + patience,
      tries,
      group,
      watch: { gaveUp: false },
      answeredAt: undefined,
      over: false,
    };
    all.push(client);
    events.add(client.leavesAt, { kind: "leave", client });
    if (now >= warmUp) counts.offered++;
    if (channel.size >= queue) backlog.push(client);
    else enter(client);
  }

  function enter(client: Client): void {
    client.acceptedAt = now;
    entered.add(client);
    waiting.add(client);
    if (queueTimeout !== undefined) events.add(now + queueTimeout, { kind: "time out", client });
    channel.trySend(client);
    if (on && active > 0) relief.joined(() => channel.size < queue);
  }

  function admit(): void {
    while (backlog.length > 0 && channel.size < queue) enter(backlog.shift()!);
  }

  async function serve(): Promise<void> {
    while (active < slots) {
      channel.newestFirst = on && relief.next(taker);
      if (channel.size === 0) return;
      const client = await channel.receive();
      waiting.delete(client);
      admit();
      active++;
      let ends = now + service(random);
      if (stall && now < stall.to && ends > stall.from) {
        ends = stall.to + (ends - Math.max(now, stall.from));
      }
      events.add(ends + overhead, { kind: "answer", client, began: now });
    }
  }

  function answer(client: Client, began: number): void {
    active--;
    const good = now + travel <= client.leavesAt;
    if (on) {
      relief.controller.answered(now - began);
      const age = now - client.acceptedAt;
      relief.controller.patience.answered(client.group);
      if (good) relief.controller.patience.stayed(age, client.group);
    }
    if (good) {
      client.over = true;
      client.answeredAt = now + travel;
    }
    if (now < warmUp) return;
    const spent = Math.max(0, now - Math.max(began, warmUp) - overhead);
    counts.busy += spent;
    if (good) {
      counts.good++;
      waits.push(began - client.cameAt);
      answers.push(now);
    } else counts.wasted += spent;
  }

  function leave(client: Client): void {
    if (client.over) return;
    fail(client);
    // Nobody sees it in the kernel's backlog.
    if (!on || !entered.has(client)) return;
    client.watch.gaveUp = true;
    relief.controller.patience.left(now - client.acceptedAt, client.group);
    if (waiting.has(client)) relief.gaveUp(client);
  }

  function timeOut(client: Client): void {
    if (!waiting.delete(client)) return;
    channel.remove(client);
    admit();
    fail(client);
  }

  for (const { at, number } of scenario.extra ?? []) {
    for (let i = 0; i < number; i++) events.add(at, { kind: "arrive", tries: 0, more: false });
  }
  for (const { at, patience } of clients ?? []) {
    events.add(at, { kind: "arrive", tries: 0, more: false, patience });
  }
  if (!clients) events.add(0, { kind: "arrive", tries: 0, more: true });
  for (let next = events.take(); next && next.at < duration; next = events.take()) {
    now = next.at;
    const event = next.value;
    if (event.kind === "arrive") {
      for (let i = 0; i < (event.more ? burst : 1); i++) arrive(event.tries, event.patience);
      if (event.more) {
        const gap = -Math.log(1 - random.next()) * burst / (loadAt(now) * capacity);
        events.add(now + gap, { kind: "arrive", tries: 0, more: true });
      }
    } else if (event.kind === "answer") answer(event.client, event.began);
    else if (event.kind === "leave") leave(event.client);
    else timeOut(event.client);
    await serve();
  }
  const possible = capacity * (duration - warmUp);
  waits.sort((a, b) => a - b);
  return {
    goodput: counts.good / possible,
    served: counts.good / counts.offered,
    ofPossible: counts.good / Math.min(possible, counts.offered),
    p50: quantile(waits, 0.5),
    p99: quantile(waits, 0.99),
    wasted: counts.wasted / (counts.busy || 1),
    failed: counts.failed,
    shed: counts.shed,
    answered: counts.good,
    offered: counts.offered,
    patience: relief.controller.patience.seen,
    answers,
    tries: all,
  };
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}
