import { assertEquals } from "@std/assert";
import { Program } from "../support/program.ts";
import { echo, request, TestServer, until } from "../support/servers.ts";

const DEBUGGER = /^(?:Debugger listening|Visit chrome:|Failed to start inspector server)/;

for (const threads of ["1", "2"]) {
  Deno.test(`every line of a JSON log is one, from start to end, threads: ${threads}`, async () => {
    await using server = new TestServer(echo);
    const folder = await Deno.makeTempDir();
    try {
      const options = ["--admin", `unix:${folder}/admin`, "--access-log", `${folder}/access`];
      const program = await Program.start([server.address, "127.0.0.1:9"], [
        ...options,
        "--threads",
        threads,
        "--log-level",
        "debug",
        "--check",
        "tcp",
        "--check-interval",
        "100ms",
      ]);
      await using _ = program;
      for (let i = 0; i < 5; i++) assertEquals(await request(program.port, "hello"), "hello");
      for (const signal of ["SIGUSR1", "SIGHUP", "SIGUSR2"] as const) program.signal(signal);
      await until(() => /nothing has changed/.test(program.log.join()), "it has reloaded");
      // Its folder is gone: neither the access log nor the admin socket can be had any more.
      await Deno.remove(folder, { recursive: true });
      program.signal("SIGUSR2");
      await until(() => /access log/.test(program.log.join()), "it has looked for its file");
      const { port } = program;
      const waiting = await Promise.all(
        Array.from({ length: 20 }, () => Deno.connect({ hostname: "127.0.0.1", port })),
      );
      for (const conn of waiting) conn.close();
      assertEquals(await program.terminate(), 0);
      // Half a second after its start the runtime of the sources opens its debugger, too, at SIGUSR1.
      const own = program.log.filter((line) => !DEBUGGER.test(line));
      assertEquals(own.filter((line) => !/^\{"time":.*\}$/.test(line)), []);
      for (const line of own) JSON.parse(line);
    } finally {
      await Deno.remove(folder, { recursive: true }).catch(() => {});
    }
  });
}
