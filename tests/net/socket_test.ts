import { assertEquals, assertRejects } from "@std/assert";
import { ACCESS, adopt } from "../../src/net/socket.ts";
import { readExactly, socketPair, tryClose, writeAll } from "../support/servers.ts";

Deno.test("this runtime lets sockets be used directly", () => {
  assertEquals(ACCESS, "direct");
});

Deno.test("a connection whose resource number cannot be found is used by its methods", async () => {
  const calls: string[] = [];
  const conn = {
    read: () => Promise.resolve(calls.push("read") && null),
    write: (bytes: Uint8Array) => Promise.resolve(calls.push("write") && bytes.length),
    closeWrite: () => Promise.resolve(void calls.push("closeWrite")),
    close: () => void calls.push("close"),
  };
  const socket = adopt(conn as unknown as Deno.Conn);
  assertEquals([await socket.read(new Uint8Array(1)), await socket.write(new Uint8Array(3))], [
    0,
    3,
  ]);
  await socket.closeWrite();
  socket.close();
  assertEquals(calls, ["read", "write", "closeWrite", "close"]);
});

for (const access of ["direct", "public"] as const) {
  Deno.test(`${access} sockets read, write, half-close and close twice`, async () => {
    const { near, far } = await socketPair();
    const socket = adopt(far, { access });
    assertEquals(socket.remoteAddress as Deno.NetAddr, far.remoteAddr);
    assertEquals(socket.localAddress as Deno.NetAddr, far.localAddr);
    socket.sendPromptly();
    socket.tuneForLongLife({ keepAlive: true });
    socket.tuneForLongLife({ keepAlive: true });
    assertEquals(await socket.write(new Uint8Array([1, 2])), 2);
    assertEquals(await readExactly(near, 2), new Uint8Array([1, 2]));
    await writeAll(near, new Uint8Array([3]));
    const buffer = new Uint8Array(10);
    assertEquals([await socket.read(buffer), buffer[0]], [1, 3]);
    await socket.closeWrite();
    assertEquals(await near.read(buffer), null);
    await near.closeWrite();
    assertEquals(await socket.read(buffer), 0);
    const pending = socket.read(buffer);
    socket.close();
    socket.close();
    await pending.catch(() => {});
    await assertRejects(() => socket.read(buffer), Deno.errors.BadResource);
    socket.sendPromptly();
    near.close();
    tryClose(far);
  });
}
