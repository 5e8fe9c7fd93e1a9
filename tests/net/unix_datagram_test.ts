import { assertEquals, assertRejects } from "@std/assert";

const bytes = new TextEncoder().encode("hello");

// Why `unixgram:` is reserved. A runtime with which this fails can have it.
Deno.test("the runtime does not send from a UNIX datagram socket while it receives there", async () => {
  const folder = await Deno.makeTempDir({ prefix: "iawlb-" });
  const open = (name: string) => {
    return Deno.listenDatagram({ transport: "unixpacket", path: `${folder}/${name}` });
  };
  const [server, client] = [open("server"), open("client")];
  try {
    await client.send(bytes, server.addr);
    const [request, from] = await server.receive();
    assertEquals([request, from], [bytes, client.addr]);
    // Each way is there, one at a time.
    await server.send(request, from);
    assertEquals((await client.receive())[0], bytes);
    const next = server.receive();
    await assertRejects(() => server.send(bytes, from), Deno.errors.Busy);
    await client.send(bytes, server.addr);
    await next;
  } finally {
    for (const socket of [server, client]) socket.close();
    await Deno.remove(folder, { recursive: true });
  }
});
