import { assertEquals, assertStringIncludes } from "@std/assert";
import { runOn } from "../support/namespaces.ts";
import { Place, whyNoPlace } from "../support/place.ts";
import { freePort, until } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

const obstacle = await whyNoPlace();
const MAIN = new URL("../support/udp_echo_main.ts", import.meta.url).pathname;

/** Asks over a socket that hears only the address that it has asked; empty if nothing comes. */
async function ask(place: Place, { host, port }: { host: string; port: number }): Promise<string> {
  const script = `exec 3<>/dev/udp/${host}/${port}; echo -n hello >&3; ` +
    "timeout 0.3 dd bs=100 count=1 status=none <&3";
  const args = [...place.prefix.slice(1), "bash", "-c", script];
  const { stdout } = await new Deno.Command("ip", { args }).output();
  return new TextDecoder().decode(stdout);
}

Deno.test({
  ...unless("each address of the machine answers as itself, those that come after a reload, too", {
    [`no namespaces here: ${obstacle}`]: obstacle !== "",
  }),
  async fn() {
    await using place = await Place.make([]);
    await runOn(place, "ip addr add 192.0.2.1/32 dev lo");
    const server = freePort();
    const echo = new Deno.Command("ip", {
      args: [
        ...place.prefix.slice(1),
        Deno.execPath(),
        ...["run", "-A", "--quiet", "--unstable-net", MAIN, `${server}`],
      ],
    }).spawn();
    try {
      const { program, addresses } = await place.start(["udp:0", `udp:${server}`]);
      await using _ = program;
      const port = Number(/\d+$/.exec(addresses[0]!));
      const bound = (...hosts: string[]) => hosts.map((host) => `udp:${host}:${port}`);
      assertEquals(addresses.toSorted(), bound("127.0.0.1", "192.0.2.1", "[::1]"));
      const answers = (host: string) => {
        return until(async () => await ask(place, { host, port }) === "hello", `${host} answers`);
      };
      for (const host of ["127.0.0.1", "192.0.2.1", "::1"]) await answers(host);
      assertEquals(await ask(place, { host: "127.0.0.2", port }), "");
      await runOn(place, "ip addr add 192.0.2.2/32 dev lo");
      await runOn(place, "ip addr del 192.0.2.1/32 dev lo");
      program.signal("SIGHUP");
      const line = await program.logged(/reload: addresses/);
      assertStringIncludes(line, `udp:192.0.2.2:${port}`);
      for (const host of ["127.0.0.1", "192.0.2.2"]) await answers(host);
      assertEquals(await program.terminate(), 0);
    } finally {
      echo.kill("SIGTERM");
      await echo.status;
    }
  },
});
