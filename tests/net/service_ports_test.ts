import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { AddressError, formatAddress, formatNumeric, parseAddress } from "../../src/net/address.ts";
import { FileError } from "../../src/base/bounded_file.ts";
import { parseCommand } from "../../src/cli/command.ts";
import { UsageError } from "../../src/base/errors.ts";
import { OPTIONS } from "../../src/config/options.ts";
import { isServiceName, portOfService } from "../../src/net/service_ports.ts";
import { configOf } from "../support/config.ts";
import { configOfFile, problemsOfFile, TestFile } from "../support/config_file.ts";

const SERVICES = `# Network services, Internet style
tcpmux\t\t1/tcp\t\t\t\t# TCP port service multiplexer
echo 7/tcp
echo\t4/udp
http 80/tcp www web # WorldWideWeb hidden
no-port
bad 99999/tcp
worse x/tcp
z3950   210/tcp
`;

Deno.test("a service is found by its name and its aliases, for its protocol", () => {
  using file = new TestFile(SERVICES);
  const port = (name: string, protocol: "tcp" | "udp" = "tcp") => {
    return portOfService(name, { protocol, path: file.path });
  };
  assertEquals([port("http"), port("www"), port("web"), port("z3950")], [80, 80, 80, 210]);
  assertEquals([port("echo"), port("echo", "udp"), port("tcpmux")], [7, 4, 1]);
  for (const name of ["http2", "htt", "hidden", "no-port", "bad", "worse", "#", "80/tcp", "HTTP"]) {
    assertEquals(port(name), undefined, name);
  }
  assertEquals(port("http", "udp"), undefined);
});

Deno.test("a file of services that cannot be read is named with the reason", () => {
  const port = (path: string) => portOfService("http", { protocol: "tcp", path });
  assertThrows(() => port("/nowhere/services"), FileError, "there is no such file");
  assertThrows(() => port("/dev/zero"), FileError, "it is a device");
});

Deno.test("a number is no service, nor is what no name looks like", () => {
  for (const text of ["80", "080", "", "a b", "-a", "é", "a".repeat(33), "a/b", "a:b", "99999"]) {
    assertEquals(isServiceName(text), false, text);
  }
  for (const text of ["http", "z3950", "9pfs", "x-y_z.1+2"]) {
    assertEquals(isServiceName(text), true);
  }
});

Deno.test("for the port there may be a service, which is its number and keeps its name", () => {
  for (const text of ["http", "localhost:http", "[::1]:http", "10.0.0.7:http"]) {
    const address = parseAddress(text, { minPort: 1 });
    assertEquals([address.transport === "tcp" && address.port, formatAddress(address)], [80, text]);
    assertEquals(formatNumeric(address), text.replace("http", "80"));
  }
  assertEquals(formatAddress(parseAddress(":http", { minPort: 1 })), "http");
  assertEquals(parseAddress(":8080", { minPort: 1 }), parseAddress("8080", { minPort: 1 }));
  const udp = parseAddress("log:tftp", { minPort: 1, protocol: "udp" });
  assertEquals(udp.transport === "tcp" && udp.port, 69);
  assertThrows(
    () => parseAddress("log:tftp", { minPort: 1 }),
    AddressError,
    'has the port "tftp", but /etc/services has no TCP service of that name; must be PORT, HOST',
  );
});

Deno.test("the same port is the same address, by whatever name", () => {
  const names = (...addresses: string[]) => {
    return configOf(addresses).destinations.map(({ name, key }) => [name, key]);
  };
  assertEquals(names("8080", "http", "[::1]:https"), [
    ["http", "localhost:80"],
    ["[::1]:https", "[::1]:443"],
  ]);
  assertThrows(() => names("8080", "http", "localhost:80"), UsageError, 'is the same as "http"');
  assertThrows(() => names("http", "80"), UsageError, "would connect to itself");
  assertThrows(() => names(":80", "localhost:www"), UsageError, "would connect to itself");
});

Deno.test("services work wherever an address does", async () => {
  const config = await configOfFile(`
    admin = "localhost:https"
    log = "syslog:127.0.0.1:syslog"
    listen = ":http"
    destinations = [":9001", { address = "localhost:echo" }]
  `);
  const { settings, listeners: [listener] } = config;
  assertEquals(settings.admin && formatNumeric(settings.admin), "localhost:443");
  assertEquals(OPTIONS.admin.format(settings.admin), "localhost:https");
  assertEquals(OPTIONS.log.format(settings.log), "syslog:127.0.0.1:syslog");
  assertEquals(settings.log.kind === "syslog" && "port" in settings.log.address, true);
  assertEquals(listener!.listen, {
    transport: "tcp",
    hostname: undefined,
    port: 80,
    service: "http",
  });
  assertEquals(listener!.destinations.map(({ key }) => key), ["localhost:9001", "localhost:7"]);
  assertEquals(OPTIONS.admin.parse(":9090"), OPTIONS.admin.parse("127.0.0.1:9090"));
  const collision = await problemsOfFile('admin = "www"\nlisten = "http"\ndestinations = ["1"]');
  assertStringIncludes(collision[0]!, 'FILE:1: admin "www": collides with the listener "http"');
  const { message } = await assertRejects(() => parseCommand(["8080", "x-none"]), UsageError);
  assertEquals(
    message,
    'DESTINATION "x-none": has the port "x-none", but /etc/services has no TCP service of that ' +
      "name; must be PORT, HOST:PORT, IPV4:PORT, [IPV6]:PORT or unix:/path with a port from 1 to " +
      "65535 or the name of a service",
  );
});
