import { assertEquals, assertRejects } from "@std/assert";
import { parseAddress } from "../../src/net/address.ts";
import { connectorTo } from "../../src/destinations/connector.ts";
import { DialError } from "../../src/net/dial.ts";

const { signal } = new AbortController();

function connector(text: string) {
  return connectorTo(parseAddress(text, { minPort: 1 }));
}

Deno.test("a connector is described as its address is written, and connects there", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/app.sock`;
  const listeners = [
    Deno.listen({ hostname: "127.0.0.1", port: 0 }),
    Deno.listen({ transport: "unix", path }),
  ] as const;
  const addresses = [`127.0.0.1:${listeners[0].addr.port}`, `unix:${path}`];
  try {
    for (const [i, listener] of listeners.entries()) {
      const one = connector(addresses[i]!);
      assertEquals([one.description, one.isTried], [addresses[i], true]);
      const stream = await one.connect({ signal, timeout: 1000 });
      using accepted = await listener.accept();
      assertEquals(await accepted.write(new Uint8Array(3)), 3);
      assertEquals(await stream.read(new Uint8Array(9)), 3);
      stream.close();
    }
  } finally {
    for (const listener of listeners) listener.close();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a path without a listener is a failure of the destination", async () => {
  const error = await assertRejects(
    () => connector("unix:/nowhere/app.sock").connect({ signal, timeout: 1000 }),
    DialError,
    "unix:/nowhere/app.sock: ",
  );
  assertEquals(error.fault, "gone");
});

Deno.test("a connect that is given up throws the signal's reason, whatever it leads to", async () => {
  for (const text of ["127.0.0.1:1", "unix:/nowhere/app.sock"]) {
    const aborted = AbortSignal.abort(new Error("given up"));
    await assertRejects(
      () => connector(text).connect({ signal: aborted, timeout: 0 }),
      Error,
      "given up",
    );
  }
});
