import { assert, assertEquals } from "@std/assert";
import { Patience } from "../../../src/balancer/overload/patience.ts";

/** Many sessions of one group: all leave at an age, or are answered at it. */
function show(
  patience: Patience,
  { number, age, group = 0, leave = true }: {
    number: number;
    age: number;
    group?: number;
    leave?: boolean;
  },
): void {
  for (let i = 0; i < number; i++) {
    patience.answered(group);
    if (leave) patience.left(age, group);
    else patience.stayed(age, group);
  }
}

Deno.test("clients have all the time there is until some have left", () => {
  const patience = new Patience(() => 0);
  show(patience, { number: 1000, age: 3, leave: false });
  assertEquals(patience.seen, Infinity);
});

Deno.test("the patience is the age at which clients leave, if they get that old", () => {
  const patience = new Patience(() => 0);
  // Most are answered before they could lose it.
  show(patience, { number: 1000, age: 10, leave: false });
  show(patience, { number: 32, age: 700 });
  assert(patience.seen > 580 && patience.seen <= 700, `${patience.seen}`);
});

Deno.test("a few that leave early among many that do not are no sign of impatience", () => {
  const patience = new Patience(() => 0);
  for (let i = 0; i < 50; i++) {
    show(patience, { number: 19, age: 1000, leave: false });
    show(patience, { number: 1, age: 20 });
  }
  assertEquals(patience.seen, Infinity);
});

Deno.test("clients that become patient are seen to be so", () => {
  let now = 0;
  const patience = new Patience(() => now);
  show(patience, { number: 200, age: 500 });
  for (let second = 0; second < 10; second++) {
    now += 1000;
    show(patience, { number: 50, age: 5000 });
  }
  assert(patience.seen > 4000, `${patience.seen}`);
});

Deno.test("what was not seen again for a while is forgotten", () => {
  let now = 0;
  const patience = new Patience(() => now);
  show(patience, { number: 64, age: 500 });
  assert(patience.seen <= 500);
  for (let minute = 0; minute < 10; minute++) {
    now += 61_000;
    assert(patience.seen > 0);
  }
  assertEquals(patience.seen, Infinity);
  // Also where nobody has asked meanwhile.
  show(patience, { number: 64, age: 500 });
  now += 600_000;
  assertEquals(patience.seen, Infinity);
});

Deno.test("groups with a third of the answers or less do not decide", () => {
  const patience = new Patience(() => 0);
  show(patience, { number: 300, age: 1000, group: 1, leave: false });
  show(patience, { number: 100, age: 50, group: 2 });
  assertEquals(patience.seen, Infinity);
  show(patience, { number: 200, age: 50, group: 3 });
  assert(patience.seen <= 50);
});

Deno.test("ages beyond all measure are counted, too", () => {
  const patience = new Patience(() => 0);
  for (const age of [-1, 0, 1e12, Infinity]) show(patience, { number: 5, age, leave: false });
  show(patience, { number: 64, age: 1e12 });
  assert(patience.seen > 3_000_000, `${patience.seen}`);
});

Deno.test("clients that leave together do not hide behind those that are answered together", () => {
  let now = 0;
  const patience = new Patience(() => now);
  for (let round = 0; round < 50; round++) {
    show(patience, { number: 100, age: 200 });
    show(patience, { number: 100, age: 300, leave: false });
    assert(patience.seen > 150 && patience.seen <= 200, `${patience.seen} in round ${round}`);
    now += 100;
  }
});

Deno.test("those who are closed where others leave count as having been there for a while", () => {
  const patience = new Patience(() => 0, { average: 10, most: 10 });
  // Half of all leave at 200 ms; the others are closed before it is seen how much longer they stay.
  for (let i = 0; i < 200; i++) {
    show(patience, { number: 1, age: 200 });
    show(patience, { number: 1, age: 214, leave: false });
  }
  assertEquals(patience.longest, Infinity);
});

Deno.test("an answer is in time as long as most of those who wait are there until then", () => {
  const patience = new Patience(() => 0, { average: 100, most: 100 });
  for (let i = 0; i < 64; i++) {
    show(patience, { number: 1, age: 300 });
    show(patience, { number: 3, age: 2000 });
  }
  // A quarter leaves at 300 ms, and nobody else before 2 s.
  assert(patience.seen <= 300, `${patience.seen}`);
  assert(patience.longest > 1300 && patience.longest <= 1900, `${patience.longest}`);
});
