// A server of the clients, as a process: `deno run -A echo_main.ts PORT`.
const listener = Deno.listen({
  hostname: "127.0.0.1",
  port: Number(Deno.args[0]),
  tcpBacklog: 4096,
});
for await (const conn of listener) answer(conn);

async function answer(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(64);
  try {
    for (let n = await conn.read(buffer); n !== null; n = await conn.read(buffer)) {
      await conn.write(buffer.subarray(0, n));
    }
  } catch {
    // Its client was ended.
  }
  conn.close();
}
