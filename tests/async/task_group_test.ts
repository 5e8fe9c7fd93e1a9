import { assertEquals } from "@std/assert";
import { TaskGroup } from "../../src/async/task_group.ts";

Deno.test("tasks are idle when the last of them has ended, well or not", async () => {
  const defects: unknown[] = [];
  const tasks = new TaskGroup((error) => defects.push(error));
  await tasks.idle();
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  tasks.add(first.promise);
  tasks.add(second.promise);
  let idle = false;
  const waiting = tasks.idle().then(() => idle = true);
  const defect = new Error("a defect");
  first.reject(defect);
  await first.promise.catch(() => {});
  await Promise.resolve();
  assertEquals([idle, defects], [false, [defect]]);
  second.resolve();
  await waiting;
  assertEquals(idle, true);
});
