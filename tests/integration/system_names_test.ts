// The real program with the files of a system of its own.
import { assertEquals } from "@std/assert";
import { A, address } from "../support/dns_message.ts";
import { DnsServer, type Script } from "../support/dns_server.ts";
import { mayMount, mounting } from "../support/mounts.ts";
import { Program } from "../support/program.ts";
import { answer, freePort, request, TestServer, until } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

/** One name with one address. */
function knowing(known: string, ip: string): Script {
  return ({ name, type }) => {
    if (name !== known) return { code: 3 };
    return { answers: type === A ? [address(name, ip, 1)] : [] };
  };
}

Deno.test({
  ...unless(
    "the system's name servers, search domains and hosts count, and count again when changed",
    {
      "mounts need root on Linux": !mayMount(),
    },
  ),
  async fn() {
    const folder = await Deno.makeTempDir();
    const write = (name: "resolv.conf" | "hosts", text: string) => {
      Deno.writeTextFileSync(`${folder}/${name}`, text);
    };
    const port = freePort();
    const ips = ["127.0.53.11", "127.0.53.12", "127.0.53.13"] as const;
    await using _first = new TestServer(answer("first"), { hostname: ips[0], port });
    await using _second = new TestServer(answer("second"), { hostname: ips[1], port });
    await using _third = new TestServer(answer("third"), { hostname: ips[2], port });
    await using one = new DnsServer(knowing("web.one.test", ips[0]), {
      hostname: "127.0.53.1",
      port: 53,
    });
    await using _other = new DnsServer(knowing("web.two.test", ips[1]), {
      hostname: "127.0.53.2",
      port: 53,
    });
    write("hosts", "127.0.0.1 localhost\n");
    write("resolv.conf", "nameserver 127.0.53.1\nsearch one.test\n");
    const own = mounting(folder, ["resolv.conf", "hosts"]);
    await using program = await Program.start([`dns:web:${port}`], [], own);
    const answeredBy = (name: string) => {
      return until(async () => await request(program.port, "hello") === name, `it is ${name}`);
    };
    await answeredBy("first");
    assertEquals(one.count("web"), 0, "the name alone is not asked for");
    write("resolv.conf", "nameserver 127.0.53.2\nsearch two.test\n");
    await answeredBy("second");
    write("hosts", `127.0.0.1 localhost\n${ips[2]} web\n`);
    await answeredBy("third");
    assertEquals(await program.terminate(), 0);
    await Deno.remove(folder, { recursive: true });
  },
});
