import { assertEquals, assertMatch } from "@std/assert";
import { Program } from "../support/program.ts";
import { discard, TestServer, until } from "../support/servers.ts";
import { ServiceReceiver } from "../support/service_receiver.ts";

Deno.test({
  name: "systemd is told when iawlb serves, reloads, and drains for as long as it does",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using receiver = new ServiceReceiver();
    await using server = new TestServer(discard);
    const file = `${receiver.directory}/iawlb.toml`;
    const write = (workers: string) =>
      Deno.writeTextFile(
        file,
        `listen = "127.0.0.1:0"\ndestinations = ["${server.address}"]\nworkers = ${workers}\n`,
      );
    await write("4");
    await using program = await started(receiver, ["--config", file]);
    assertEquals((await receiver.told(/^READY=1$/)).lines[1], `MAINPID=${program.pid}`);
    await receiver.told(/^STATUS=running: 0 waiting, 0 being served, 1 of 1 destinations up$/);
    await receiver.told(/^WATCHDOG=1$/);

    for (const workers of ["5", "none"]) {
      await write(workers);
      const before = receiver.notices.length;
      program.signal("SIGHUP");
      await receiver.told(/^RELOADING=1$/, before);
      await receiver.told(/^READY=1$/, before);
    }
    assertMatch(await program.logged(/reload refused/), /workers/);

    const client = await Deno.connect({ port: program.port, hostname: "127.0.0.1" });
    await until(() => server.open === 1, "a session is served");
    program.signal("SIGTERM");
    await receiver.told(/^STOPPING=1$/);
    const extensions = () => receiver.count("EXTEND_TIMEOUT_USEC=20000000");
    await until(() => extensions() >= 3, "the drain goes on and asks for more time");
    await receiver.told(/^STATUS=draining: 0 waiting, 1 being served/);
    client.close();
    assertEquals(await program.ended(), 0);
  },
});

Deno.test({
  name: "systemd is told that iawlb is ready with threads, which all have to answer",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using receiver = new ServiceReceiver();
    await using server = new TestServer(discard);
    const args = ["--threads", "2", "127.0.0.1:0", server.address];
    await using program = await started(receiver, args);
    await receiver.told(/^READY=1$/);
    await until(() => receiver.count("WATCHDOG=1") >= 2, "the watchdog is fed");
    assertEquals(await program.terminate(), 0);
    await receiver.told(/^STOPPING=1$/);
  },
});

/** The program as a service with a watchdog of a fifth of a second. */
async function started(receiver: ServiceReceiver, args: readonly string[]): Promise<Program> {
  return await Program.spawn(args, `export NOTIFY_SOCKET='${receiver.path}' WATCHDOG_USEC=200000`);
}
