// A destination as a process of its own, for tests that kill it: `deno run -A destination_main.ts
// ADDRESS`. A request is a line "DELAY SIZE BYTE\n"; the answer, after DELAY milliseconds, is SIZE
// times that byte.

const [hostname, port] = Deno.args[0]!.split(":");
const listener = Deno.listen({ hostname: hostname!, port: Number(port) });
console.log("listening");
for await (const conn of listener) serve(conn).catch(() => {});

async function serve(conn: Deno.TcpConn): Promise<void> {
  using _ = conn;
  const buffer = new Uint8Array(100);
  let text = "";
  while (!text.includes("\n")) {
    const n = await conn.read(buffer);
    if (n === null) return;
    text += new TextDecoder().decode(buffer.subarray(0, n));
  }
  const [delay, size, byte] = text.trim().split(" ").map(Number);
  await new Promise((resolve) => setTimeout(resolve, delay));
  for (let rest = new Uint8Array(size!).fill(byte!); rest.length > 0;) {
    rest = rest.subarray(await conn.write(rest));
  }
  await conn.closeWrite();
  while (await conn.read(buffer) !== null);
}
