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

/** Runs something beside an echoing server in a new place, which has an address besides loopback. */
async function withEcho(
  action: (place: Place, server: number) => Promise<void>,
): Promise<void> {
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
    await action(place, server);
  } finally {
    echo.kill("SIGTERM");
    await echo.status;
  }
}

Deno.test({
  ...unless("each address of the machine answers as itself, those that come later, too", {
    [`no namespaces here: ${obstacle}`]: obstacle !== "",
  }),
  fn: () =>
    withEcho(async (place, server) => {
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
      await program.logged(/listening on 192\.0\.2\.2:\d+ as well/);
      await answers("192.0.2.2");
      await runOn(place, "ip addr del 192.0.2.1/32 dev lo");
      program.signal("SIGHUP");
      const line = await program.logged(/reload: addresses/);
      assertEquals(
        JSON.parse(line).change.split(" → ")[1].split(", ").toSorted(),
        bound("127.0.0.1", "192.0.2.2", "[::1]"),
      );
      for (const host of ["127.0.0.1", "192.0.2.2"]) await answers(host);
      assertEquals(await program.terminate(), 0);
    }),
});

Deno.test({
  ...unless("an address that is not ready at the start is listened on as soon as it is", {
    [`no namespaces here: ${obstacle}`]: obstacle !== "",
  }),
  fn: () =>
    withEcho(async (place, server) => {
      await runOn(place, "ip link add v0 type veth peer name v1");
      // Without its other end nobody can be asked whether the address is taken.
      await runOn(place, "ip link set v0 up");
      await runOn(place, "ip addr add 2001:db8::1/64 dev v0");
      assertStringIncludes(await runOn(place, "ip -6 addr show dev v0"), "tentative");
      const { program, addresses } = await place.start(["udp:[::]:0", `udp:${server}`]);
      await using _ = program;
      const port = Number(/\d+$/.exec(addresses[0]!));
      assertEquals(
        addresses.toSorted(),
        ["127.0.0.1", "192.0.2.1", "[::1]"].map((host) => `udp:${host}:${port}`),
      );
      const host = "2001:db8::1";
      assertEquals(await ask(place, { host, port }), "");
      await program.logged(/not listening on 2001:db8::1 yet: /);
      await runOn(place, "ip link set v1 up");
      await program.logged(/listening on \[2001:db8::1\]:\d+ as well/);
      await until(async () => await ask(place, { host, port }) === "hello", "it answers");
      assertEquals(program.log.filter((line) => line.includes("not listening on")).length, 1);
      assertEquals(await program.terminate(), 0);
    }),
});
