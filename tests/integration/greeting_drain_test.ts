import { assert, assertEquals } from "@std/assert";
import { Program } from "../support/program.ts";
import { joined, V1, V2 } from "../support/proxy_headers.ts";
import {
  echo,
  readAll,
  readExactly,
  TestServer,
  tryClose,
  until,
  writeAll,
} from "../support/servers.ts";

const NUMBER = 200;

for (const threads of ["1", "2"]) {
  Deno.test(`with --threads ${threads} a drain serves whose headers end, and a second signal closes the others`, async () => {
    await using server = new TestServer(echo);
    await using program = await Program.start([server.address], [
      ...["--threads", threads, "--access-log", "off"],
      ...["--accept-proxy", "127.0.0.1", "--accept-proxy-timeout", "1h"],
    ]);
    const conns = await Promise.all(Array.from({ length: NUMBER }, () => {
      return Deno.connect({ hostname: "127.0.0.1", port: program.port });
    }));
    try {
      const cuts = conns.map((_, i) => i % 28);
      const headers = conns.map((_, i) => [V1, V2][i % 2]!.header);
      await Promise.all(conns.map((conn, i) => writeAll(conn, headers[i]!.subarray(0, cuts[i]))));
      await until(async () => (await program.status()).greeting === NUMBER, "all are greeted");
      program.signal("SIGTERM");
      const line = await program.logged(/draining: /);
      assert(
        line.includes(`draining: 0 sessions active, 0 waiting, ${NUMBER} being greeted`),
        line,
      );
      await Promise.all(
        conns.slice(0, NUMBER / 2).map(async (conn, i) => {
          await writeAll(conn, joined(headers[i]!.subarray(cuts[i]), "hello"));
          assertEquals(new TextDecoder().decode(await readExactly(conn, 5)), "hello");
          await conn.closeWrite();
          await readAll(conn);
        }),
      );
      await until(async () => (await program.status()).active === 0, "they were served");
      program.signal("SIGTERM");
      assertEquals(await program.ended(), 1);
      assert(program.log.at(-1)!.includes(`${NUMBER} accepted = 100 finished + 100 cut`));
    } finally {
      conns.forEach(tryClose);
    }
  });
}
