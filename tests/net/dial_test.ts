import { assert, assertEquals, assertRejects } from "@std/assert";
import { parseAddress, type TcpEnd } from "../../src/net/address.ts";
import { Dialer, DialError, type LookupFailure, type TcpAddress } from "../../src/net/dial.ts";
import { type Ask, Names } from "../../src/net/names.ts";
import { sleep } from "../../src/base/timer.ts";
import { discard, freePort, TestServer, until } from "../support/servers.ts";

const { signal } = new AbortController();

function tcp(text: string): TcpAddress {
  return parseAddress(text, { minPort: 1 }) as TcpAddress;
}

function dialer(text: string): Dialer {
  return new Dialer(tcp(text));
}

Deno.test("a literal address is connected", async () => {
  await using server = new TestServer(discard);
  const stream = await dialer(server.address).dial({ signal, timeout: 1000 });
  stream.close();
  assertEquals((stream.remoteAddress as TcpEnd).port, server.port);
});

Deno.test("a port alone is connected on localhost, whichever of its addresses listens", async () => {
  for (const hostname of ["127.0.0.1", "::1"]) {
    await using server = new TestServer(discard, { hostname });
    const twice = dialer(`${server.port}`);
    for (let i = 0; i < 2; i++) {
      const stream = await twice.dial({ signal, timeout: 1000 });
      stream.close();
      assertEquals((stream.remoteAddress as TcpEnd).hostname, hostname);
    }
  }
});

Deno.test("a refused connect names every address that was tried", async () => {
  const port = freePort();
  const error = await assertRejects(
    () => dialer(`${port}`).dial({ signal, timeout: 1000 }),
    DialError,
  );
  assert(error.message.includes(`127.0.0.1:${port}: Connection refused`), error.message);
  assert(error.message.includes(`[::1]:${port}: `), error.message);
  assertEquals(error.fault, "gone");
});

Deno.test("a name that does not exist is a failure of the destination", async () => {
  const error = await assertRejects(
    () => dialer("no-such-host.invalid:80").dial({ signal, timeout: 5000 }),
    DialError,
    "no-such-host.invalid",
  );
  assertEquals(error.fault, "gone");
});

Deno.test("an aborted connect throws the signal's reason", async () => {
  const reason = new Error("changed my mind");
  await assertRejects(
    () => dialer(`${freePort()}`).dial({ signal: AbortSignal.abort(reason), timeout: 1000 }),
    Error,
    "changed my mind",
  );
});

Deno.test("running out of descriptors is this machine's failure", () => {
  const error = Object.assign(new Error("Too many open files"), { code: "EMFILE" });
  assertEquals(new DialError([{ where: "10.0.0.1:80", error }]).fault, "machine");
});

/** A dialer whose names a test looks up, and the failures that it was told of. */
function named(text: string, ask: Ask) {
  const failures: LookupFailure[] = [];
  const options = {
    names: new Names(ask),
    onLookupFailure: (failure: LookupFailure) => void failures.push(failure),
  };
  return { dialer: new Dialer(tcp(text), options), failures };
}

/** Longer than addresses are used without asking again. */
const STALE_MS = 1050;

Deno.test("addresses that worked stay in use whatever becomes of the look-up", async () => {
  await using server = new TestServer(discard);
  const answers: (() => ReturnType<Ask>)[] = [
    () => Promise.resolve(["127.0.0.1"]),
    () => Promise.reject(Object.assign(new Error("no such name"), { code: "ENOTFOUND" })),
    () => Promise.reject(Object.assign(new Error("try again"), { code: "EAI_AGAIN" })),
    () => Promise.resolve([]),
  ];
  let asked = 0;
  const { dialer, failures } = named(`db.test:${server.port}`, () => answers[asked++]!());
  for (let round = 1; round <= answers.length; round++) {
    (await dialer.dial({ signal, timeout: 1000 })).close();
    await until(() => asked === round && failures.length === round - 1, "it was looked up");
    await sleep(STALE_MS);
  }
  assertEquals(failures.map(({ known, tell }) => [known, tell]), [
    [true, true],
    [true, false],
    [true, false],
  ]);
  await until(() => server.open === 0, "the connections are over");
});

Deno.test("nobody waits for a look-up, and there is one at most, while addresses are known", async () => {
  await using server = new TestServer(discard);
  const silence = Promise.withResolvers<string[]>();
  let asked = 0;
  const { dialer } = named(`db.test:${server.port}`, () => {
    return ++asked === 1 ? Promise.resolve(["127.0.0.1"]) : silence.promise;
  });
  (await dialer.dial({ signal, timeout: 1000 })).close();
  await sleep(STALE_MS);
  for (let i = 0; i < 20; i++) (await dialer.dial({ signal, timeout: 1000 })).close();
  assertEquals(asked, 2);
  silence.resolve(["127.0.0.1"]);
});

Deno.test("an answer replaces the addresses, and the one that worked stays the first", async () => {
  await using server = new TestServer(discard);
  const answers = [["127.0.0.1"], ["127.0.0.2", "127.0.0.1"], ["127.0.0.2"]];
  let asked = 0;
  const { dialer } = named(`db.test:${server.port}`, () => Promise.resolve(answers[asked++]!));
  const connected = async () => {
    const stream = await dialer.dial({ signal, timeout: 1000 });
    stream.close();
    return (stream.remoteAddress as TcpEnd).hostname;
  };
  assertEquals(await connected(), "127.0.0.1");
  await sleep(STALE_MS);
  await connected();
  assertEquals(asked, 2);
  assertEquals(await connected(), "127.0.0.1");
  await sleep(STALE_MS);
  await connected();
  await assertRejects(connected, DialError, "127.0.0.2");
});

Deno.test("the first look-up is waited for as long as the caller wants", async () => {
  const silence = Promise.withResolvers<string[]>();
  const { dialer } = named("db.test:80", () => silence.promise);
  const attempt = new AbortController();
  const dialing = dialer.dial({ signal: attempt.signal, timeout: 1000 });
  attempt.abort(new Error("no connection in time"));
  await assertRejects(() => dialing, Error, "no connection in time");
  silence.resolve([]);
});

Deno.test("a name is looked up once for all who ask, and a few names at a time", async () => {
  const asked: string[] = [];
  const answers: ((found: string[]) => void)[] = [];
  const names = new Names((name) => {
    asked.push(name);
    return new Promise((resolve) => answers.push(resolve));
  });
  const twice = [names.lookUp("0.test"), names.lookUp("0.test")];
  const others = Array.from({ length: 20 }, (_, i) => names.lookUp(`${i + 1}.test`));
  assertEquals(asked.length, 8);
  answers.shift()!(["192.0.2.1"]);
  const found = await Promise.all(twice);
  assertEquals(found.map(({ addresses }) => addresses), [["192.0.2.1"], ["192.0.2.1"]]);
  await until(() => asked.length === 9, "the next is asked for");
  while (answers.length > 0) {
    answers.shift()!(["192.0.2.2"]);
    await Promise.resolve();
    await sleep(0);
  }
  await Promise.all(others);
  assertEquals(asked.length, 21);
});
