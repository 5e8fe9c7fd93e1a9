// The least: what a connection costs in this runtime if nothing is done with it but to copy its bytes.
// It accepts, connects, reads and writes by the same operations as iawlb, with buffers that are used
// again, passes ends of input on, and can do nothing else: no queue, no second destination, no time
// limit, no counters. `bare HOST:PORT HOST:PORT`, listener first.
import { adopt } from "../../src/net/socket.ts";
import type { Stream } from "../../src/net/stream.ts";

const [listen, destination] = Deno.args.map((address) => {
  const [hostname, port] = address.split(":");
  return { hostname: hostname!, port: Number(port) };
});

const buffers: Uint8Array[] = [];

const listener = Deno.listen({ ...listen!, tcpBacklog: 511 });
for (;;) serve(adopt(await listener.accept()));

async function serve(client: Stream): Promise<void> {
  let server: Stream;
  try {
    server = adopt(await Deno.connect(destination!));
  } catch {
    return client.close();
  }
  await Promise.all([copy(client, server), copy(server, client)]);
  client.close();
  server.close();
}

async function copy(from: Stream, to: Stream): Promise<void> {
  const buffer = buffers.pop() ?? new Uint8Array(4096);
  try {
    for (;;) {
      const received = await from.read(buffer);
      if (received === 0) break;
      for (let sent = 0; sent < received;) sent += await to.write(buffer.subarray(sent, received));
    }
    await to.closeWrite();
  } catch {
    // One of the two has failed: the other direction finds that, too.
  }
  buffers.push(buffer);
}
