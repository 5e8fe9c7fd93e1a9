import { assertEquals } from "@std/assert";
import { BufferPool } from "../../src/net/buffer_pool.ts";
import { adopt } from "../../src/net/socket.ts";
import { Session, type Stage } from "../../src/session/session.ts";
import { check, type Timeouts, TimeoutSweep } from "../../src/session/timeouts.ts";
import { socketPair } from "../support/servers.ts";

const OFF: Timeouts = {
  queueTimeout: 0,
  connectTimeout: 0,
  idleTimeout: 0,
  halfCloseTimeout: 0,
  answerTimeout: 0,
  sessionTimeout: 0,
  udpIdle: 0,
  udpRequestTimeout: 0,
};

/** Runs a function on a session that was accepted at time 0. */
async function withSession(stage: Stage, use: (session: Session) => void): Promise<void> {
  const { near, far } = await socketPair();
  const session = new Session(adopt(far), { id: 1, now: 0, buffers: new BufferPool() });
  session.startReading();
  session.stage = stage;
  session.connectStartedAt = 0;
  try {
    use(session);
  } finally {
    session.close(0);
    near.close();
  }
}

Deno.test("without timeouts nothing is ever late", async () => {
  for (const stage of ["waiting", "connecting", "relaying"] as const) {
    await withSession(stage, (session) => assertEquals(check(session, 1e12, OFF), undefined));
  }
});

Deno.test("each stage has its timeout, from the moment it is reached", async () => {
  const cases = [
    ["waiting", { queueTimeout: 100 }, "queue-timeout"],
    ["connecting", { connectTimeout: 100 }, "connect-timeout"],
    ["connecting", { queueTimeout: 100 }, "queue-timeout"],
    ["relaying", { idleTimeout: 100 }, "idle-timeout"],
    ["waiting", { sessionTimeout: 100 }, "session-timeout"],
    ["connecting", { sessionTimeout: 100 }, "session-timeout"],
    ["relaying", { sessionTimeout: 100 }, "session-timeout"],
  ] as const;
  for (const [stage, timeouts, reason] of cases) {
    await withSession(stage, (session) => {
      assertEquals(check(session, 0, { ...OFF, ...timeouts }), undefined);
      assertEquals(check(session, 99, { ...OFF, ...timeouts }), undefined);
      assertEquals(check(session, 100, { ...OFF, ...timeouts }), reason);
    });
  }
});

Deno.test("a session that waits or connects is not idle", async () => {
  for (const stage of ["waiting", "connecting"] as const) {
    await withSession(stage, (session) => {
      assertEquals(check(session, 1000, { ...OFF, idleTimeout: 100 }), undefined);
    });
  }
});

Deno.test("a byte in either direction starts the idle time again", async () => {
  const timeouts = { ...OFF, idleTimeout: 100 };
  await withSession("relaying", (session) => {
    check(session, 0, timeouts);
    session.up.bytes++;
    assertEquals(check(session, 90, timeouts), undefined);
    session.down.bytes++;
    assertEquals(check(session, 180, timeouts), undefined);
    assertEquals(check(session, 279, timeouts), undefined);
    assertEquals(check(session, 280, timeouts), "idle-timeout");
  });
});

Deno.test("the half-close timeout counts only once a side has finished, from the last byte", async () => {
  const timeouts = { ...OFF, halfCloseTimeout: 100 };
  await withSession("relaying", (session) => {
    assertEquals(check(session, 1000, timeouts), undefined);
    session.up.ended = true;
    assertEquals(check(session, 1050, timeouts), undefined);
    session.down.bytes += 10;
    assertEquals(check(session, 1149, timeouts), undefined);
    assertEquals(check(session, 1249, timeouts), "half-close-timeout");
  });
});

Deno.test("the answer timeout runs from the client's first byte to the destination's first", async () => {
  const timeouts = { ...OFF, answerTimeout: 100 };
  await withSession("relaying", (session) => {
    assertEquals(check(session, 1000, timeouts), undefined);
    session.up.bytes = 5;
    assertEquals(check(session, 1010, timeouts), undefined);
    assertEquals(check(session, 1110, timeouts), "answer-timeout");
    session.down.bytes = 1;
    assertEquals(check(session, 9999, timeouts), undefined);
  });
});

Deno.test("a sweep aborts what is late and tells a connect that it has taken too long", async () => {
  const timeouts = { ...OFF, queueTimeout: 150, connectTimeout: 100 };
  await withSession("waiting", (session) => {
    let now = 50;
    const attempt = session.attempt = new AbortController();
    const sweep = new TimeoutSweep([session], { timeouts, clock: () => now });
    sweep.run();
    assertEquals(session.reason, undefined);
    now = 100;
    session.stage = "connecting";
    sweep.run();
    assertEquals(attempt.signal.reason.message, "no connection within 100 ms");
    assertEquals(session.reason, undefined);
    session.stage = "waiting";
    now = 150;
    sweep.run();
    assertEquals(session.reason, "queue-timeout");
    sweep.stop();
  });
});
