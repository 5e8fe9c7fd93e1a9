import { assertEquals } from "@std/assert";
import { UNREPORTED } from "../../src/destinations/agent_report.ts";
import { destinationAt } from "../support/policies.ts";

Deno.test("the age of a state begins whenever something else is shown, whoever has caused it", () => {
  let now = 1000;
  const one = destinationAt(1, {}, () => now);
  const shown = () => [one.standing.shown, one.standing.facts.state_age_ms];
  const after = (ms: number, change: () => void) => {
    now += ms;
    change();
  };
  after(10, () => {});
  assertEquals(shown(), ["untried", 10]);
  after(0, () => one.state = "up");
  after(20, () => one.state = "up");
  assertEquals(shown(), ["up", 20]);
  after(0, () => one.admin = "drain");
  after(5, () => one.state = "down");
  assertEquals(shown(), ["drain", 5]);
  after(0, () => one.admin = "ready");
  assertEquals(shown(), ["down", 0]);
  after(7, () => one.agent = { ...UNREPORTED, admin: "maint" });
  after(3, () => one.leaving = true);
  assertEquals(shown(), ["drain", 0]);
  after(4, () => one.leaving = false);
  assertEquals(shown(), ["maint", 0]);
});

Deno.test("the last error and the last check are told with their ages, and stay until there is another", () => {
  let now = 0;
  const one = destinationAt(1, {}, () => now);
  const seen = () => {
    const { last_error, last_check } = one.standing.facts;
    return { last_error, last_check };
  };
  assertEquals(seen(), { last_error: null, last_check: null });
  one.standing.noteError("10.0.0.7:9003: Connection refused (os error 111)", "10.0.0.7:9003");
  now = 12.345;
  one.standing.noteCheck({ ok: false, began: 10 });
  now = 100;
  one.forget();
  assertEquals(seen(), {
    last_error: { text: "Connection refused", age_ms: 100 },
    last_check: { ok: false, age_ms: 88, took_ms: 2.3 },
  });
  one.standing.noteError("x".repeat(1000), "x");
  assertEquals(seen().last_error!.text.length, 201);
});
