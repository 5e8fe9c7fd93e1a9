// The floor that iawlb's cost is compared with: a bare loop of accept, connect, read and write, by the
// runtime's public methods, as anybody would write it. It can do nothing else: no queue, no second
// destination, no time limit, no counters. `bare PORT DESTINATION BYTES BACKLOG`: both are ports of
// loopback, each direction has one buffer of so many bytes.

const [port, destination, bytes, tcpBacklog] = Deno.args.map(Number);
const hostname = "127.0.0.1";

const listener = Deno.listen({ hostname, port: port!, tcpBacklog: tcpBacklog! });
for (;;) serve(await listener.accept());

async function serve(client: Deno.Conn): Promise<void> {
  let server: Deno.Conn;
  try {
    server = await Deno.connect({ hostname, port: destination! });
  } catch {
    return client.close();
  }
  await Promise.all([copy(client, server), copy(server, client)]);
  client.close();
  server.close();
}

async function copy(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(bytes!);
  try {
    for (;;) {
      const received = await from.read(buffer);
      if (received === null) break;
      for (let sent = 0; sent < received;) sent += await to.write(buffer.subarray(sent, received));
    }
    await to.closeWrite();
  } catch {
    // One of the two has failed: the other direction finds that, too.
  }
}
