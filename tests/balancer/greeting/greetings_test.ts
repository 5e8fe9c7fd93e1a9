import { assertEquals } from "@std/assert";
import { TaskGroup } from "../../../src/async/task_group.ts";
import { monotonic } from "../../../src/base/clock.ts";
import { GreetingFailure } from "../../../src/balancer/greeting/failure.ts";
import type { Greeting } from "../../../src/balancer/greeting/greeting.ts";
import { type Failure, Greetings } from "../../../src/balancer/greeting/greetings.ts";
import { adopt } from "../../../src/net/socket.ts";
import { Session } from "../../../src/session/session.ts";
import { PrefixedStream } from "../../support/prefixed_stream.ts";
import { bytes } from "../../support/proxy_headers.ts";
import { socketPair, until, writeAll } from "../../support/servers.ts";
import { StrictPool } from "../../support/strict_pool.ts";

/** Takes a word and a line feed, and nothing else. */
function word(expected: string, then?: (session: Session) => void): Greeting {
  return {
    timeout: 60_000,
    concerns: () => true,
    async greet(opening, session) {
      let end: number;
      while ((end = opening.bytes.indexOf(0x0a)) === -1) await opening.more();
      const got = new TextDecoder().decode(opening.bytes.subarray(0, end));
      opening.take(end + 1);
      if (got !== expected) throw new GreetingFailure("error", `not ${expected}`);
      then?.(session);
    },
  };
}

/** Sessions that are greeted, with a pool that knows where its buffers are. */
function setUp(greetings: readonly Greeting[]) {
  const buffers = new StrictPool();
  const ended: Failure[] = [];
  const greeted: string[] = [];
  const defects: unknown[] = [];
  const tasks = new TaskGroup((error) => defects.push(error));
  const all = new Greetings({
    greetings,
    buffers,
    tasks,
    clock: monotonic,
    onEnd(session, failure) {
      ended.push(failure);
      session.close(0);
    },
    onDefect: (_, error) => defects.push(error),
  });
  return {
    ...{ buffers, ended, greeted, defects, all },
    async begin() {
      const { near, far } = await socketPair();
      const session = new Session(adopt(far), { id: 1, now: 0, buffers });
      all.begin(session, (session, { buffer, length }) => {
        greeted.push(new TextDecoder().decode(buffer.subarray(0, length)));
        buffers.give(buffer);
        session.close(0);
      });
      return { near, session, [Symbol.dispose]: () => near.close() };
    },
    async [Symbol.asyncDispose]() {
      await tasks.idle();
      all.close();
      assertEquals([buffers.out, all.size], [0, 0]);
    },
  };
}

Deno.test("one greeting begins where the one before it ended, and the rest is the payload", async () => {
  await using test = setUp([word("one"), word("two")]);
  using connection = await test.begin();
  await writeAll(connection.near, bytes("one\ntw"));
  await until(() => connection.session.stage === "greeting", "it is being greeted");
  await writeAll(connection.near, bytes("o\nthe rest"));
  await until(() => test.greeted.length === 1, "it has been greeted");
  assertEquals([test.greeted, test.ended], [["the rest"], []]);
});

Deno.test("only what concerns a connection is read", async () => {
  const [one, two] = [word("one"), word("two")];
  await using test = setUp([{ ...one, concerns: () => false }, two]);
  using connection = await test.begin();
  assertEquals(test.all.concern(connection.session), true);
  await writeAll(connection.near, bytes("two\nrest"));
  await until(() => test.greeted.length === 1, "it has been greeted");
  assertEquals(test.greeted, ["rest"]);
  await using none = setUp([{ ...one, concerns: () => false }]);
  assertEquals(none.all.concern(connection.session), false);
});

Deno.test("a greeting may put another stream in the place of the connection", async () => {
  let wrapped: PrefixedStream | undefined;
  const wrapping: Greeting = {
    timeout: 60_000,
    concerns: () => true,
    greet(opening) {
      const { bytes } = opening;
      opening.stream = wrapped = new PrefixedStream(opening.stream, bytes.slice());
      opening.take(bytes.length);
      return Promise.resolve();
    },
  };
  await using test = setUp([word("one"), wrapping, word("two")]);
  using connection = await test.begin();
  await writeAll(connection.near, bytes("one\ntwo\nrest"));
  await until(() => test.greeted.length === 1, "it has been greeted");
  assertEquals(connection.session.client === wrapped, true);
  assertEquals([test.greeted, wrapped!.calls], [["rest"], ["close"]]);
});

Deno.test("one that fails, is ended, or is a defect takes nobody with it and keeps no buffer", async () => {
  const ends: Greeting = word("one", (session) => session.abort("killed"));
  const breaks: Greeting = word("one", () => {
    throw new TypeError("a defect");
  });
  await using failing = setUp([word("one"), word("two")]);
  using failed = await failing.begin();
  await writeAll(failed.near, bytes("one\nthree\n"));
  using silent = await failing.begin();
  await until(() => failing.ended.length === 1, "the first one has failed");
  assertEquals(failing.ended[0]!.problem, "not two");
  assertEquals(failing.all.size, 1);
  silent.session.abort("killed");
  assertEquals([failing.ended[1], failing.all.size], [{ reason: "killed" }, 0]);
  await failing.all.idle();
  await using ending = setUp([ends, word("two")]);
  using ended = await ending.begin();
  await writeAll(ended.near, bytes("one\ntwo\n"));
  await until(() => ending.ended.length === 1, "it was ended");
  assertEquals([ending.greeted, ending.ended], [[], [{ reason: "killed" }]]);
  await using breaking = setUp([breaks]);
  using broken = await breaking.begin();
  await writeAll(broken.near, bytes("one\n"));
  await until(() => breaking.ended.length === 1, "it has ended");
  assertEquals(breaking.ended, [{ reason: "error" }]);
  assertEquals(breaking.defects.map(String), ["TypeError: a defect"]);
});

Deno.test("a greeting that lets the buffer fill up is a defect that ends one session", async () => {
  await using test = setUp([word("one")]);
  using connection = await test.begin();
  await writeAll(connection.near, new Uint8Array(5000));
  await until(() => test.ended.length === 1, "it has ended");
  assertEquals(test.defects.map(String), ["RangeError: the opening is too long"]);
});
