// Queue and relief under random changes of everything that says who waits and who is served.
import { assertEquals } from "@std/assert";
import { Scene, type Step } from "../support/overload_scene.ts";
import { fc } from "../support/properties.ts";

const MODES = ["hold", "shed", "newest"] as const;

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("arrive"),
      number: fc.nat(12),
      client: fc.nat(4),
      to: fc.nat(1),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("crowd"),
      number: fc.integer({ min: 10, max: 80 }),
      every: fc.integer({ min: 1, max: 8 }),
      patience: fc.constantFrom(100, 300, 1000),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constantFrom("answer", "fail"), number: fc.nat(6) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom("leave", "finish"),
      which: fc.nat(40),
      heard: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("pass"), ms: fc.nat(800) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("pass"), ms: fc.constant(70_000) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("mode"), mode: fc.constantFrom(...MODES, "shed") }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("order"),
      queueOrder: fc.constantFrom("fifo", "fair"),
      priority: fc.constantFrom("none", "10.0.0.1=0,10.0.0.2=3"),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("slots"), which: fc.nat(1), number: fc.nat(6) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "drain" }) },
) as fc.Arbitrary<Step>;

Deno.test("whatever happens, each session ends once, and none is shed without a reason", async () => {
  let shed = 0;
  let answered = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...MODES),
      fc.boolean(),
      fc.constantFrom(5, 30, 10_000),
      fc.array(step, { maxLength: 60, size: "max" }),
      async (mode, binds, capacity, steps) => {
        const scene = new Scene(mode, binds, capacity);
        const changes = steps.some((step) => step.kind === "mode");
        for (const step of steps) await scene.run(step);
        await scene.end();
        assertEquals(scene.faults, []);
        assertEquals([scene.ended.size, scene.queue.size], [scene.joined, 0]);
        const reasons = [...scene.ended.values()];
        shed += reasons.filter((reason) => reason === "shed").length;
        answered += scene.answered;
        if (mode === "hold" && !changes) assertEquals(reasons.includes("shed"), false);
        scene.overload.close();
      },
    ),
    { numRuns: 150 },
  );
  // Otherwise nothing was tried.
  assertEquals([shed > 500, answered > 5000], [true, true], `${shed} shed, ${answered} answered`);
});
