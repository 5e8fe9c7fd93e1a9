// The floor of memory: accept, connect, read and write by the runtime's public methods, and nothing else.
// `deno run -A idle_floor_main.ts PORT DESTINATION BYTES`: both ports are of loopback.
const [port, destination, bytes] = Deno.args.map(Number);

const listener = Deno.listen({ hostname: "127.0.0.1", port: port!, tcpBacklog: 511 });
for (;;) serve(await listener.accept()).catch(() => {});

async function serve(client: Deno.Conn): Promise<void> {
  const server = await Deno.connect({ hostname: "127.0.0.1", port: destination! });
  await Promise.all([copy(client, server), copy(server, client)]);
  client.close();
  server.close();
}

async function copy(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(bytes!);
  try {
    for (let n = await from.read(buffer); n !== null; n = await from.read(buffer)) {
      await to.write(buffer.subarray(0, n));
    }
    await to.closeWrite();
  } catch {
    // One of them has failed.
  }
}
