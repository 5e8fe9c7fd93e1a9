import { assert, assertEquals, assertRejects } from "@std/assert";
import { DescriptorBudget } from "../../src/net/descriptor_budget.ts";
import { until } from "../support/servers.ts";

/** A process with so many descriptors for what is counted, and how many were opened to try. */
function machine(limit: number) {
  const state = { limit, open: 0, tried: 0, now: 1000 };
  return {
    state,
    options: {
      now: () => state.now,
      countFree(wanted: number) {
        state.tried += wanted;
        return Math.max(0, Math.min(wanted, state.limit - state.open));
      },
    },
  };
}

/** A budget with one listener whose sessions open both descriptors at once. */
function budgetOf({ state, options }: ReturnType<typeof machine>) {
  const budget = new DescriptorBudget(options);
  budget.join({ count: () => 0, estimate: () => 0 });
  return {
    budget,
    /** Lets sessions in until there is no room, at most so many. */
    fill(most = Infinity): number {
      let number = 0;
      for (; number < most && budget.open; number++) {
        budget.enter();
        state.open += 2;
      }
      return number;
    },
    leave() {
      budget.leave();
      state.open -= 2;
    },
  };
}

Deno.test("sessions are let in as long as both of their descriptors are there", () => {
  const { budget, fill } = budgetOf(machine(1018));
  // 12 for what is not counted, 4 for probes and agents, 2 for the listener.
  assertEquals(fill(), 500);
  assert(budget.limited);
  assertEquals(budget.sessions, 500);
});

Deno.test("descriptors that are known to be there are not tried again", () => {
  const it = machine(100_000);
  const { fill, leave } = budgetOf(it);
  fill(5000);
  const { tried } = it.state;
  for (let i = 0; i < 5000; i++) leave();
  fill(5000);
  assertEquals(it.state.tried, tried);
  assert(tried < 5000 * 2 * 1.2, `${tried} tries for 10,000 descriptors`);
});

Deno.test("never more than a thousand or so are tried in one go", () => {
  const it = machine(100_000);
  const { fill } = budgetOf(it);
  let most = 0;
  while (it.state.open < 50_000) {
    const before = it.state.tried;
    fill(1);
    most = Math.max(most, it.state.tried - before);
  }
  assert(most < 1100, `${most} at once`);
});

Deno.test("a moment's shortage lasts no longer than it is there", () => {
  const it = machine(30);
  const { budget, fill } = budgetOf(it);
  assertEquals(fill(), 6);
  it.state.limit = 10_000;
  assertEquals(fill(), 0, "tried at once, it would be tried for each client");
  it.state.now += 1000;
  assertEquals(fill(2000), 2000);
  it.state.limit = it.state.open;
  it.state.now += 100;
  budget.noteShortage();
  assertEquals(fill(), 0, "what is gone is gone");
  it.state.limit = 10_000;
  it.state.now += 1000;
  assert(fill(100) === 100);
});

Deno.test("a shortage that is over when it is looked at changes nothing", () => {
  const it = machine(10_000);
  const { budget, fill } = budgetOf(it);
  fill(3000);
  const { sessions } = budget;
  it.state.now += 1000;
  budget.noteShortage();
  assertEquals([budget.sessions, budget.limited], [sessions, false]);
});

Deno.test("several listeners share, and each keeps two more free", () => {
  const it = machine(1018);
  const { budget, fill } = budgetOf(it);
  const leave = budget.join({ count: () => 0, estimate: () => 0 });
  assertEquals(fill(), 499);
  leave();
  assertEquals(fill(), 1);
});

Deno.test("what sessions have not opened yet is theirs all the same", () => {
  const it = machine(1018);
  const budget = new DescriptorBudget(it.options);
  let waiting = 0;
  budget.join({ count: () => waiting, estimate: () => waiting });
  while (budget.open) {
    budget.enter();
    waiting++;
    it.state.open++;
  }
  assertEquals(waiting, 500);
});

Deno.test("however many wait when the limit is met, they are not counted for each client", () => {
  const it = machine(6018);
  const budget = new DescriptorBudget(it.options);
  let [waiting, counts] = [0, 0];
  const enter = () => {
    budget.enter();
    waiting++;
    it.state.open++;
  };
  const count = () => {
    counts++;
    return waiting;
  };
  budget.join({ count, estimate: () => waiting });
  while (budget.open) enter();
  assert(budget.limited && waiting > 2000, `${waiting} wait`);
  it.state.now += 1000;
  const before = counts;
  for (let i = 0; i < 1000; i++) {
    budget.leave();
    waiting--;
    it.state.open--;
    if (budget.open) enter();
    assertEquals(budget.open, false);
  }
  assert(counts - before <= 1, `${counts - before} counts for 1,000 clients in a second`);
});

Deno.test("whoever has an allowance gets descriptors when sessions have all others", () => {
  const it = machine(100);
  const { budget, fill, leave } = budgetOf(it);
  const end = budget.reserveForAdmin();
  fill();
  const claims = Array.from({ length: 4 }, () => budget.claim(budget.admin));
  assert(claims.every((claim) => claim !== undefined));
  assertEquals(budget.claim(budget.admin), undefined);
  claims[0]!();
  claims[0]!();
  assert(budget.claim(budget.admin), "one was given back");
  assertEquals(budget.claim(budget.admin), undefined, "but only one");
  leave();
  assert(budget.claim(budget.admin), "sessions leave room for it");
  end();
});

Deno.test("who waits for a descriptor gets it in turn, or gives up", async () => {
  const it = machine(100);
  const { budget, fill } = budgetOf(it);
  fill();
  const life = new AbortController();
  const releases = await Promise.all(
    Array.from(
      { length: budget.probes.size },
      () => budget.claimInTurn(budget.probes, life.signal),
    ),
  );
  const waiting = budget.claimInTurn(budget.probes, life.signal);
  releases[0]!();
  const last = await waiting;
  const hopeless = budget.claimInTurn(budget.probes, life.signal);
  life.abort();
  await assertRejects(() => hopeless, DOMException);
  last();
});

Deno.test("agents that are slow to answer take no descriptor from the probes", async () => {
  const { budget, fill } = budgetOf(machine(100));
  fill();
  const life = new AbortController();
  await budget.claimInTurn(budget.agents, life.signal);
  const waiting = Array.from({ length: 20 }, () => {
    return budget.claimInTurn(budget.agents, life.signal);
  });
  for (let i = 0; i < budget.probes.size; i++) assert(budget.claim(budget.probes), `probe ${i}`);
  life.abort();
  for (const claim of waiting) await assertRejects(() => claim, DOMException);
});

Deno.test("however many agents and servers are silent, sessions have most of the descriptors", () => {
  const one = machine(1000);
  const { budget, fill } = budgetOf(one);
  for (const allowance of [budget.agents, budget.probes]) {
    const before = one.state.open;
    while (budget.claim(allowance)) one.state.open++;
    const number = one.state.open - before;
    assert(number > 100 && number <= 250 + allowance.size, `${number} of 1000`);
  }
  const sessions = fill();
  assert(sessions > 250, `room for ${sessions} sessions`);
});

Deno.test("agents of several threads have no more of the descriptors than those of one", () => {
  const one = machine(1000);
  const { budget } = budgetOf(one);
  budget.fixFor(1000);
  const threads = Array.from({ length: 4 }, () => {
    return new DescriptorBudget({ ...one.options, share: budget.lend()! });
  });
  let number = 0;
  for (let before = -1; before < number;) {
    before = number;
    for (const thread of threads) {
      if (!thread.claim(thread.agents)) continue;
      number++;
      one.state.open++;
    }
  }
  assert(number > 100 && number <= 254, `${number} of 1000`);
});

Deno.test("what becomes free elsewhere is found by those who wait", async () => {
  const it = machine(20);
  const { budget, fill } = budgetOf(it);
  fill();
  let room = false;
  const life = new AbortController();
  const waiting = (async () => {
    while (!budget.open) await budget.room(life.signal);
    room = true;
  })();
  it.state.limit = 1000;
  it.state.now += 1000;
  await until(() => room, "there is room");
  await waiting;
});

Deno.test("threads share one budget, and what a thread had is free when it is gone", () => {
  const it = machine(1022);
  const { budget, fill } = budgetOf(it);
  const share = budget.lend()!;
  const thread = new DescriptorBudget({ ...it.options, share });
  thread.join({ count: () => 0, estimate: () => 0 });
  let inThread = 0;
  for (; inThread < 100; inThread++) {
    assert(thread.open);
    thread.enter();
    it.state.open += 2;
  }
  // Less than alone: the thread has probes and a listener of its own.
  assertEquals(fill(), 398);
  assertEquals(thread.open, false);
  it.state.open -= inThread * 2;
  budget.reclaim(share);
  assertEquals(fill(), 104);
});

Deno.test("what was asked for is tried at the start, and what there is room for is told", () => {
  const it = machine(218);
  const { budget } = budgetOf(it);
  assertEquals(budget.fit(50), 50);
  assertEquals(budget.fit(1000), 100);
  assert(budget.limited);
  assert(budget.missing({ listeners: 1, threads: 0, admin: true }) <= 0);
  it.state.limit = 20;
  assert(budget.missing({ listeners: 1, threads: 0, admin: true }) > 0);
});

Deno.test("what was found out for all threads is not tried again while they serve", () => {
  const it = machine(218);
  const { budget, fill } = budgetOf(it);
  budget.fixFor(1000);
  const { tried } = it.state;
  assertEquals(fill(), 100);
  it.state.now += 5000;
  assertEquals([budget.open, it.state.tried], [false, tried]);
  // Unless there were fewer for a while.
  it.state.limit = 100;
  budget.noteShortage();
  it.state.limit = 218;
  it.state.now += 5000;
  assertEquals(budget.open, false);
  assert(it.state.tried > tried);
  assertEquals(budget.sessions, 100);
});

Deno.test("while sessions are served, nothing that is asked for holds them up", () => {
  const it = machine(20_018);
  const { budget, fill } = budgetOf(it);
  assertEquals(budget.fit(1_000_000), 10_000);
  fill(100);
  const { tried } = it.state;
  assertEquals(budget.fit(1_000_000), 10_000);
  assert(it.state.tried - tried < 1100);

  const other = machine(1_000_000);
  const roomy = budgetOf(other);
  roomy.fill(100);
  const before = other.state.tried;
  assertEquals(roomy.budget.fit(100_000), 100_000);
  assert(other.state.tried - before < 1100);
});

Deno.test("processes that wait have descriptors only while a session fits beside them", () => {
  const { state, options } = machine(40);
  const budget = new DescriptorBudget(options);
  budget.join({ count: () => 0, estimate: () => 0 }, 4);
  // 12 for what is not counted, 4 for probes and agents, 4 for the listener: 20 are left.
  const releases: (() => void)[] = [];
  for (let release = budget.claimProcess(); release; release = budget.claimProcess()) {
    releases.push(release);
    state.open += 3;
  }
  assertEquals(releases.length, 5);
  assert(budget.hasRoom(4));
  budget.enter(4);
  state.open += 4;
  assert(!budget.hasRoom(4));
  assertEquals(budget.claimProcess(), undefined);
  releases[0]!();
  releases[0]!();
  assert(budget.hasRoom(4));
  assert(!budget.hasRoom(5));
});
