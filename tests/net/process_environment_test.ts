import { assertEquals } from "@std/assert";
import { connectionEnvironment } from "../../src/net/process_environment.ts";

const tcp = (hostname: string, port: number) => ({ transport: "tcp" as const, hostname, port });

Deno.test("a program learns both ends of its connection", () => {
  assertEquals(connectionEnvironment(tcp("2001:db8::1", 1234), tcp("2001:db8::2", 80)), {
    PROTO: "TCP",
    TCPLOCALIP: "2001:db8::2",
    TCPLOCALPORT: "80",
    TCPREMOTEIP: "2001:db8::1",
    TCPREMOTEPORT: "1234",
    REMOTE_ADDR: "2001:db8::1",
    REMOTE_PORT: "1234",
  });
});

Deno.test("a client of IPv4 is one of IPv4, also at a socket that has both", () => {
  const environment = connectionEnvironment(
    tcp("::ffff:192.0.2.1", 1234),
    tcp("::ffff:192.0.2.2", 80),
  );
  assertEquals(environment.TCPREMOTEIP, "192.0.2.1");
  assertEquals(environment.REMOTE_ADDR, "192.0.2.1");
  assertEquals(environment.TCPLOCALIP, "192.0.2.2");
});

Deno.test("of a UNIX socket only that is told, unless a PROXY header knew more", () => {
  const path = { transport: "unix" as const, path: "/x" };
  assertEquals(connectionEnvironment({ transport: "unix", path: null }, path), { PROTO: "UNIX" });
  assertEquals(connectionEnvironment(tcp("192.0.2.1", 1), path), {
    PROTO: "TCP",
    TCPREMOTEIP: "192.0.2.1",
    TCPREMOTEPORT: "1",
    REMOTE_ADDR: "192.0.2.1",
    REMOTE_PORT: "1",
  });
  assertEquals(connectionEnvironment(undefined, path), {});
});
