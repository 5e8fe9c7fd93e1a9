import { assert } from "@std/assert";
import { Pause } from "../../src/base/pause.ts";

Deno.test("a pause is over after its time", async () => {
  const begun = performance.now();
  await new Pause().take(20);
  assert(performance.now() - begun >= 19);
});

Deno.test("a pause that is ended is over at once, and leaves no timer behind", async () => {
  const pause = new Pause();
  const over = pause.take(60_000);
  pause.end();
  await over;
});

Deno.test("who ends no pause does not shorten the next one", async () => {
  const pause = new Pause();
  pause.end();
  const begun = performance.now();
  await pause.take(20);
  assert(performance.now() - begun >= 19);
});
