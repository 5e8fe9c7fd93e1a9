import { assertEquals } from "@std/assert";
import type { ListenerSample } from "../../src/operations/sample.ts";
import { ThreadSamples } from "../../src/threads/thread_samples.ts";

function sampleOf(different: Partial<ListenerSample>): ListenerSample {
  return {
    ...{ waiting: 0, active: 0, accepted: 0, ended: {}, bytes_up: 0, bytes_down: 0 },
    ...{ queue: [], destinations: [] },
    ...different,
  };
}

/** A thread that answers when a test says so. */
class Thread {
  readonly answers: PromiseWithResolvers<ListenerSample | "gone">[] = [];

  ask(): Promise<ListenerSample | "gone"> {
    const next = Promise.withResolvers<ListenerSample | "gone">();
    this.answers.push(next);
    return next.promise;
  }

  answer(sample: ListenerSample | "gone"): void {
    this.answers.shift()!.resolve(sample);
  }
}

function server(sessions: number, state: "up" | "down") {
  return {
    ...{ number: 1, name: "db", state, leaving: false, active: 1, downs: 0, reason: "" },
    ...{ sessions, failures: 0, bytes_up: 0, bytes_down: 0, session: [10, sessions] },
  };
}

Deno.test("samples of threads add up, by destination too", async () => {
  const [a, b] = [new Thread(), new Thread()];
  const samples = new ThreadSamples();
  const taken = samples.take([a, b], 9);
  a.answer(
    sampleOf({ waiting: 1, accepted: 2, ended: { done: 1 }, destinations: [server(2, "up")] }),
  );
  b.answer(
    sampleOf({ waiting: 4, accepted: 3, ended: { done: 2 }, destinations: [server(1, "down")] }),
  );
  const { waiting, accepted, ended, destinations } = (await taken)!;
  assertEquals([waiting, accepted, ended], [5, 5, { done: 3 }]);
  assertEquals(
    destinations.map(({ state, sessions, active, session }) => {
      return [state, sessions, active, session];
    }),
    [["down", 3, 2, [10, 3]]],
  );
});

Deno.test("a thread that answers late is not asked twice, and nothing of it counts twice or is lost", async () => {
  const [a, b] = [new Thread(), new Thread()];
  const samples = new ThreadSamples({ patience: 20 });
  const first = samples.take([a, b], 9);
  a.answer(sampleOf({ waiting: 1, accepted: 2 }));
  assertEquals([(await first)?.accepted, (await first)?.waiting], [2, 1]);
  const second = samples.take([a, b], 9);
  assertEquals(b.answers.length, 1);
  b.answer(sampleOf({ waiting: 5, accepted: 7, queue: [3, 7] }));
  a.answer(sampleOf({ waiting: 2, accepted: 1 }));
  const { accepted, waiting, queue } = (await second)!;
  assertEquals([accepted, waiting, queue], [8, 7, [3, 7]]);
  // One that says nothing for a while is as it was; what it did comes once.
  const third = samples.take([a, b], 9);
  a.answer(sampleOf({ waiting: 0, accepted: 0 }));
  assertEquals([(await third)?.accepted, (await third)?.waiting], [0, 5]);
  b.answer("gone");
  const fourth = samples.take([a], 9);
  a.answer(sampleOf({ accepted: 4 }));
  assertEquals([(await fourth)?.accepted, (await fourth)?.waiting], [4, 0]);
});

Deno.test("as long as no thread has told anything there is no sample", async () => {
  const thread = new Thread();
  const samples = new ThreadSamples({ patience: 10 });
  assertEquals(await samples.take([thread], 9), undefined);
  thread.answer("gone");
});
