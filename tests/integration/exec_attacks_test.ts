import { assertEquals } from "@std/assert";
import { Program } from "../support/program.ts";
import { writeAll } from "../support/servers.ts";

async function connect(port: number): Promise<Deno.Conn> {
  return await Deno.connect({ hostname: "127.0.0.1", port });
}

for (const [what, command] of [["answers all of it", "cat"], ["reads nothing", "cat /dev/zero"]]) {
  Deno.test(`a client that is gone holds no slot, though the program ${what}`, async () => {
    await using program = await Program.start([`workers=1,exec:${command}`]);
    for (let i = 0; i < 2; i++) {
      const conn = await connect(program.port);
      // More than the pipes hold, and less than the sockets do: nobody needs to read for it.
      await writeAll(conn, new Uint8Array(200_000));
      conn.close();
    }
    const entries = await program.entries(2);
    assertEquals(entries.map(({ reason }) => reason), ["client-reset", "client-reset"]);
    assertEquals(await program.terminate(), 0);
  });
}

Deno.test("what a named program still says to clients that are gone is no error", async () => {
  await using program = await Program.start(["workers=5,argv0=flood,exec:/usr/bin/yes"]);
  for (let i = 0; i < 20; i++) {
    const conn = await connect(program.port);
    await conn.read(new Uint8Array(100));
    conn.close();
  }
  await program.entries(20);
  assertEquals(await program.terminate(), 0);
});
