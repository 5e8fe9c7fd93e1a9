// An echo server, and clients of a load balancer in front of it that connect again and again until the
// input ends: `reconnecting_main.ts PORT SERVER_PORT CLIENTS`. Tells what became of them as JSON.
const [port, serverPort, clients] = Deno.args.map(Number) as [number, number, number];
const server = Deno.listen({ hostname: "127.0.0.1", port: serverPort });
const bytes = new TextEncoder().encode("hello\n");
const ends: Record<string, number> = { served: 0 };
let over = false;

async function serve(): Promise<void> {
  for await (const conn of server) conn.readable.pipeTo(conn.writable).catch(() => {});
}

async function visit(buffer: Uint8Array): Promise<string> {
  try {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await conn.write(bytes);
    for (let length = 0; length < bytes.length;) {
      const read = await conn.read(buffer);
      if (read === null) return "ended early";
      length += read;
    }
    return "served";
  } catch (error) {
    return (error as Error).name;
  }
}

async function reconnect(): Promise<void> {
  const buffer = new Uint8Array(64);
  while (!over) {
    const end = await visit(buffer);
    ends[end] = (ends[end] ?? 0) + 1;
  }
}

serve();
console.log("ready");
await Deno.stdin.read(new Uint8Array(1));
const running = Array.from({ length: clients }, reconnect);
console.log("running");
await Deno.stdin.read(new Uint8Array(1));
over = true;
await Promise.all(running);
console.log(JSON.stringify(ends));
Deno.exit();
