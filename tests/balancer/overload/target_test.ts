import { assert, assertEquals } from "@std/assert";
import { Target } from "../../../src/balancer/overload/target.ts";

/** A target of 100 ms in a standing queue since the time 0. */
function targetOf(ms = 100): Target {
  const target = new Target();
  target.begin(0, ms);
  return target;
}

const REVIEW = { interval: 500, least: 25 };

Deno.test("what all have waited in some intervals is cut by half, down to the least", () => {
  const target = targetOf();
  for (let now = 0; now < 2000; now += 10) {
    target.taken(80);
    target.shed(now - 100, now);
    assert(target.review(now, REVIEW));
    assertEquals(target.now, 100);
  }
  target.review(2000, REVIEW);
  assertEquals(target.now, 60);
  for (let now = 2000; now <= 12_000; now += 10) {
    target.taken(60);
    target.shed(now - 60, now);
    target.review(now, REVIEW);
  }
  assertEquals(target.now, 25);
});

Deno.test("one that finds nobody makes it longer if a longer one had kept somebody, once", () => {
  const target = targetOf();
  target.shed(0, 101);
  assertEquals([target.regret(250, 400), target.now], [false, 100]);
  target.shed(110, 250);
  assertEquals([target.regret(260, 400), target.now], [true, 200]);
  assertEquals([target.regret(261, 400), target.now], [false, 200]);
});

Deno.test("it never becomes longer than an answer is in time", () => {
  const target = targetOf(300);
  target.shed(0, 301);
  assertEquals([target.regret(310, 400), target.now], [true, 400]);
  target.shed(310, 730);
  assertEquals([target.regret(740, 400), target.now], [false, 400]);
});

Deno.test("a queue of which nobody was shed for an interval stands no more", () => {
  const target = targetOf();
  target.shed(0, 200);
  assert(target.review(600, REVIEW));
  assert(!target.review(700, REVIEW));
});

Deno.test("it is remembered until it is forgotten", () => {
  const target = targetOf();
  target.shed(0, 110);
  target.regret(120, 400);
  target.begin(5000, 100);
  assertEquals(target.now, 200);
  target.forget();
  target.begin(9000, 100);
  assertEquals(target.now, 100);
});
