import { assert, assertEquals, assertRejects } from "@std/assert";
import { parseAddress } from "../src/address.ts";
import { Dialer, DialError } from "../src/dial.ts";
import { discard, freePort, TestServer } from "./support/servers.ts";

const { signal } = new AbortController();

function dialer(text: string): Dialer {
  return new Dialer(parseAddress(text, { minPort: 1 }));
}

Deno.test("a literal address is connected", async () => {
  await using server = new TestServer(discard);
  using conn = await dialer(server.address).dial({ signal, timeout: 1000 });
  assertEquals((conn.remoteAddr as Deno.NetAddr).port, server.port);
});

Deno.test("a port alone is connected on localhost, whichever of its addresses listens", async () => {
  for (const hostname of ["127.0.0.1", "::1"]) {
    await using server = new TestServer(discard, { hostname });
    const twice = dialer(`${server.port}`);
    for (let i = 0; i < 2; i++) {
      using conn = await twice.dial({ signal, timeout: 1000 });
      assertEquals((conn.remoteAddr as Deno.NetAddr).hostname, hostname);
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
  assertEquals(error.local, false);
});

Deno.test("a name that does not exist is a failure of the destination", async () => {
  const error = await assertRejects(
    () => dialer("no-such-host.invalid:80").dial({ signal, timeout: 5000 }),
    DialError,
    "no-such-host.invalid",
  );
  assertEquals(error.local, false);
});

Deno.test("a path without a listener is a failure of the destination", async () => {
  await assertRejects(
    () => dialer("unix:/nowhere/app.sock").dial({ signal, timeout: 1000 }),
    DialError,
    "unix:/nowhere/app.sock: ",
  );
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
  assertEquals(new DialError([{ where: "10.0.0.1:80", error }]).local, true);
});
