import { assertEquals } from "@std/assert";
import { addForecasts, type Forecast } from "../../src/operations/forecast.ts";

const ONE: Forecast = {
  expected_wait_ms: 100,
  clears_in_ms: 400,
  offered_per_s: 30,
  capacity_per_s: 20,
  load: 1.5,
  gave_up_per_s: 1,
  turned_away_per_s: 2,
};

Deno.test("what threads foresee comes together as if they were one", () => {
  const other = { ...ONE, expected_wait_ms: 0, clears_in_ms: 0, offered_per_s: 6, load: 0.3 };
  assertEquals(addForecasts([ONE, other]), {
    expected_wait_ms: 50,
    clears_in_ms: 400,
    offered_per_s: 36,
    capacity_per_s: 40,
    load: 0.9,
    gave_up_per_s: 2,
    turned_away_per_s: 4,
  });
  assertEquals(addForecasts([ONE]), ONE);
});

Deno.test("a thread that knows nothing yet counts like the others", () => {
  const unknown = { ...ONE, expected_wait_ms: null, capacity_per_s: null, load: null };
  const { expected_wait_ms, capacity_per_s, load } = addForecasts([ONE, unknown, ONE]);
  assertEquals([expected_wait_ms, capacity_per_s, load], [100, 60, 1.5]);
  const nothing = addForecasts([{ ...unknown, clears_in_ms: null }]);
  assertEquals([nothing.expected_wait_ms, nothing.clears_in_ms, nothing.load], [null, null, null]);
});
