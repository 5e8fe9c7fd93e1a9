import { assert, assertEquals } from "@std/assert";
import { Collector } from "../support/collector.ts";
import { Program } from "../support/program.ts";
import { echo, freePort, request, TestServer } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

// A binary has its telemetry from when it was made, and ours are made without.
const binary = Deno.env.has("IAWLB_BINARY");

for (const threads of ["1", "2"]) {
  Deno.test({
    ...unless(`metrics reach a collector of OpenTelemetry, with --threads ${threads}`, {
      "the binary is made without": binary,
      "Linux only": Deno.build.os !== "linux",
    }),
    async fn() {
      await using collector = new Collector();
      await using server = new TestServer(echo);
      const away = `127.0.0.1:${freePort()}`;
      const env = Object.entries(collector.env).map(([name, value]) => `${name}='${value}'`);
      const name = `127.0.0.1:${freePort()}`;
      await using program = await Program.spawn([
        ...["--threads", threads, "--log-format", "json", name, server.address, away],
      ], `export ${env.join(" ")}`);
      const listener = { listener: name };
      const place = { ...listener, destination: server.address };
      await collector.has("iawlb.sessions.accepted", 0, listener);
      for (let i = 0; i < 20; i++) await request(program.port, "hello");
      await collector.has("iawlb.sessions.accepted", 20, listener);
      await collector.has("iawlb.sessions.ended", 20, { ...listener, reason: "done" });
      await collector.has("iawlb.bytes", 100, { ...listener, direction: "up" });
      await collector.has("iawlb.destination.bytes", 100, { ...place, direction: "down" });
      await collector.has("iawlb.destination.up", 1, place);
      await collector.has("iawlb.destination.up", 0, { ...listener, destination: away });
      for (const name of ["iawlb.queue", "iawlb.connect", "iawlb.session"]) {
        await collector.has(name, 20, place);
        const [sample] = collector.samples(name);
        assertEquals(sample!.unit, "s");
        assert(sample!.sum > 0 && sample!.sum < 20, `${name}: ${sample!.sum} s`);
      }
      assertEquals(await program.terminate(), 0);
      assertEquals(program.access().length, 20);
    },
  });
}
