/**
 * A discrete-event simulation of a queue in front of servers: the channel and the relief that the
 * program has, with a clock that stands still between events.
 */
import { Channel } from "../../src/async/channel.ts";
import { Relief, type WhenOverloaded } from "../../src/balancer/overload/relief.ts";
import { Random } from "../../tests/support/random.ts";
import { EventHeap } from "./event_heap.ts";
import type { Outcome, Scenario } from "./scenario.ts";

/** Connections that the kernel holds; for one more it waits for so long that its client has left. */
const BACKLOG = 511;

interface Client {
  readonly cameAt: number;
  acceptedAt: number;
  readonly leavesAt: number;
  readonly service: number;
  readonly tries: number;
  readonly group: number;
  readonly signs: { gaveUp: boolean };
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
  const on = scenario.mode === "shed" || scenario.mode === "newest";
  const foresees = scenario.mode === "foreseeing";
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
    mode: () => on ? scenario.mode as WhenOverloaded : "hold",
    bounds: () => ({ shedTarget: scenario.target ?? 0, shedInterval: scenario.interval ?? 0 }),
    line: {
      classes: 1,
      oldestFor: () => channel.waiting.oldest,
      nextToShedFor: () => channel.waiting.nextToShed,
      mayHave: () => true,
      isCrowded: () => channel.size > Math.max(1, slots - active),
      oldests: () => channel.waiting.oldests(),
      isServed: () => true,
      all: () => channel.waiting,
      shed(client) {
        channel.remove(client);
        waiting.delete(client);
        if (now >= warmUp) counts.shed++;
        const age = now - client.acceptedAt;
        if (!client.signs.gaveUp) relief.controller.patience.stayed(age, client.group);
        fail(client);
      },
    },
  });

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
      service: service(random),
      tries,
      group,
      signs: { gaveUp: false },
      answeredAt: undefined,
      over: false,
    };
    all.push(client);
    events.add(client.leavesAt, { kind: "leave", client });
    if (now >= warmUp) counts.offered++;
    if (channel.size < queue) enter(client);
    else if (backlog.length < BACKLOG) backlog.push(client);
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

  /** Leaves only the one that is to be next, and those who are to wait; whether the newest is next. */
  function bringForward(): boolean {
    let next: Client | undefined;
    for (const client of [...waiting]) {
      if (now + client.service > client.leavesAt) {
        channel.remove(client);
        waiting.delete(client);
      } else if (!next || client.leavesAt < next.leavesAt) next = client;
    }
    if (next && channel.remove(next)) channel.trySend(next);
    return true;
  }

  async function serve(): Promise<void> {
    while (active < slots) {
      if (foresees) admit();
      channel.newestFirst = foresees ? bringForward() : on && relief.next(taker);
      if (channel.size === 0) return;
      const client = await channel.receive();
      waiting.delete(client);
      admit();
      active++;
      let ends = now + client.service;
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
      relief.controller.answers.note(now - began);
      const age = now - client.acceptedAt;
      relief.controller.patience.answered(client.group);
      if (good) relief.controller.patience.stayed(age, client.group);
      const left = good ? undefined : client.leavesAt - client.acceptedAt;
      relief.controller.served({ wait: began - client.acceptedAt, left });
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
    client.signs.gaveUp = true;
    relief.controller.patience.left(now - client.acceptedAt, client.group);
    if (!waiting.has(client)) return;
    if (scenario.closes?.(client)) {
      channel.remove(client);
      waiting.delete(client);
    } else relief.gaveUp(client);
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
    admit();
  }
  const possible = capacity * (duration - warmUp);
  waits.sort((a, b) => a - b);
  return {
    goodput: counts.good / possible,
    possible,
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
