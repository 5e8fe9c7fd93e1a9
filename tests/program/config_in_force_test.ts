import { assertEquals } from "@std/assert";
import { listener, start } from "../support/instance.ts";

Deno.test("what is in force follows operators and reloads, with the ids of the status", async () => {
  await using program = await start(listener(["127.0.0.1:1"], { queue: "7" }));
  const { instance } = program;
  const added = await instance.addDestination({ address: "127.0.0.1:2", weight: 4 });
  await instance.changeDestination("1.1", { workers: 3 });
  const { file, listeners: [one] } = await instance.config();
  assertEquals(file, null);
  assertEquals([one!.id, one!.listen], [1, [instance.addresses[0]!]]);
  assertEquals(one!.options.queue, { value: "7", given: true });
  const shown = one!.destinations.map(({ id, address, options: { weight, workers } }) => {
    return { id, address, weight: weight!, workers: workers! };
  });
  const usual = { value: "1", given: false };
  assertEquals(shown, [
    { id: "1.1", address: "127.0.0.1:1", weight: usual, workers: { value: "3", given: true } },
    {
      id: added.id,
      address: "127.0.0.1:2",
      weight: { value: "4", given: true },
      workers: { value: "256", given: false },
    },
  ]);
  await program.reload(listener(["127.0.0.1:1"], { queueTimeout: "0" }));
  const { listeners: [after] } = await instance.config();
  assertEquals(after!.destinations.map(({ id }) => id), ["1.1"]);
  assertEquals(after!.options.queue, { value: "1024", given: false });
  assertEquals(after!.options["queue-timeout"], { value: "none", given: true });
});
