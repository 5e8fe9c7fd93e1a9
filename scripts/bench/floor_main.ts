// The floor that iawlb's cost is compared with: a bare loop of accept, connect, read and write, on the
// runtime that runs it: `deno run -A floor_main.ts PORT DESTINATION BACKLOG`.

const [port, destination, tcpBacklog] = Deno.args.map(Number);
const listener = Deno.listen({ hostname: "127.0.0.1", port: port!, tcpBacklog: tcpBacklog! });
for await (const client of listener) relay(client).catch(() => {});

async function relay(client: Deno.TcpConn): Promise<void> {
  using _ = client;
  using server = await Deno.connect({ hostname: "127.0.0.1", port: destination! });
  client.setNoDelay();
  server.setNoDelay();
  await Promise.all([copy(client, server), copy(server, client)]);
}

async function copy(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
  // As large as iawlb's are once much comes at a time.
  let buffer = new Uint8Array(16 * 1024);
  for (let n = await from.read(buffer); n !== null; n = await from.read(buffer)) {
    let written = 0;
    while (written < n) written += await to.write(buffer.subarray(written, n));
    if (n === buffer.length && n < 256 * 1024) buffer = new Uint8Array(256 * 1024);
  }
  await to.closeWrite();
}
