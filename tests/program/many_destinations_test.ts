import { assert, assertEquals } from "@std/assert";
import type { DestinationStatus } from "../../src/operations/destination_status.ts";
import { listener, start } from "../support/instance.ts";

function addressOf(index: number): string {
  return `127.${1 + (index >> 16)}.${index >> 8 & 255}.${index & 255}:9`;
}

/** Nothing that a destination is checked or tried by shall happen meanwhile. */
const QUIET = { connectTimeout: "1s" } as const;

function shown({ id: _, latencies: _latencies, ...rest }: DestinationStatus): unknown {
  const { workers: _workers, failures: _failures, state: _state, ...others } = rest;
  const { state_age_ms: _age, last_error: _error, last_check: _check, ...configured } = others;
  return configured;
}

for (const threads of ["1", "2"]) {
  Deno.test(`destinations added one by one are those of one reload, ${threads} threads`, async () => {
    const number = threads === "1" ? 1000 : 100;
    const options = { ...QUIET, threads, workers: "4" };
    const texts = Array.from({ length: number }, (_, i) => {
      return addressOf(i) + (i % 3 === 0 ? ",workers=7" : "") + (i % 5 === 0 ? ",weight=3" : "") +
        (i % 7 === 0 ? ",backup" : "");
    });
    await using one = await start(listener(texts.slice(0, 1), options));
    await using all = await start(listener(texts.slice(0, 1), options));
    for (const [i, text] of texts.entries()) {
      if (i === 0) continue;
      // As an operator would write it who thinks of the rest later.
      const [address] = text.split(",");
      const { id } = await one.instance.addDestination({
        address: address!,
        ...(i % 7 === 0 && { backup: true }),
      });
      if (i % 2 === 0) await one.instance.changeDestination(id, { state: "drain" });
      await one.instance.changeDestination(id, {
        workers: i % 3 === 0 ? 7 : 4,
        weight: i % 5 === 0 ? 3 : 1,
      });
      if (i % 2 === 0) await one.instance.changeDestination(id, { state: "ready" });
      if (i % 11 !== 0) continue;
      const { id: gone } = await one.instance.addDestination({ address: addressOf(70_000 + i) });
      await one.instance.removeDestination(gone);
    }
    const { changes } = await all.reload(listener(texts, options));
    assertEquals(changes.length, number - 1);
    const [added, reloaded] = await Promise.all([one.instance.status(), all.instance.status()]);
    const present = ({ listeners }: typeof added) => {
      return listeners[0]!.destinations.filter(({ leaving }) => !leaving).map(shown);
    };
    assertEquals(present(added), present(reloaded));
    assertEquals((await one.reload(listener(texts, options))).changes, []);
  });
}

Deno.test("what is not allowed is refused when it is added, in the words of the command line", async () => {
  await using program = await start(listener([addressOf(0), addressOf(1)], QUIET));
  const refused = async (address: string, more = {}) => {
    return await program.instance.addDestination({ address, ...more }).then(
      () => "added",
      ({ kind, message }) => `${kind}: ${message}`,
    );
  };
  assertEquals(
    await refused(addressOf(1), { weight: 2 }),
    `invalid: DESTINATION "127.1.0.1:9,weight=2": is the same as "127.1.0.1:9"; give each only ` +
      "once (its option workers=N sets its number of connections)",
  );
  assert((await refused("nowhere:")).startsWith('invalid: DESTINATION "nowhere:": '));
  assert((await refused("a,b")).startsWith("invalid: "));
  assertEquals(await refused(addressOf(2)), "added");
  assertEquals(Object.keys(await program.destinations()).length, 3);
});

Deno.test("adding, changing and removing a destination costs the same however many there are", async () => {
  const options = { ...QUIET, workers: "1" };
  const names = (length: number) => Array.from({ length }, (_, i) => addressOf(i));
  await using few = await start(listener(names(20), options));
  await using many = await start(listener(names(2000), options));
  let next = 100_000;
  /** Milliseconds of some operations, the least of many tries: a busy machine only adds. */
  async function timesOf({ instance }: typeof few): Promise<number[]> {
    const least = [Infinity, Infinity, Infinity, Infinity];
    for (let i = 0; i < 60; i++) {
      const address = addressOf(next++);
      let id = "";
      const steps = [
        async () => ({ id } = await instance.addDestination({ address })),
        () => instance.changeDestination(id, { weight: 2, workers: 2 }),
        () => instance.changeDestination(id, { state: "drain" }),
        () => instance.removeDestination(id),
      ];
      for (const [step, run] of steps.entries()) {
        const begin = performance.now();
        await run();
        least[step] = Math.min(least[step]!, performance.now() - begin);
      }
    }
    return least;
  }
  await timesOf(few);
  let [atFew, atMany]: number[][] = [[], []];
  /** A twentieth of a millisecond is a tenth of what a request costs. */
  const dear = () => atMany!.findIndex((ms, step) => ms >= 2 * atFew![step]! + 0.05);
  for (let tries = 0; tries === 0 || dear() >= 0 && tries < 5; tries++) {
    [atFew, atMany] = [await timesOf(few), await timesOf(many)];
  }
  const step = dear();
  assert(step < 0, `step ${step}: ${atMany![step]} ms, ${atFew![step]} ms among few`);
});
