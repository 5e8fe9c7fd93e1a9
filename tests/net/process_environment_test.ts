import { assertEquals } from "@std/assert";
import { connectionEnvironment } from "../../src/net/process_environment.ts";

Deno.test("a client of IPv4 at a listener for both has its address of IPv4", () => {
  const client = { transport: "tcp", hostname: "::ffff:192.0.2.7", port: 40_000 } as const;
  const listener = { transport: "tcp", hostname: "::ffff:192.0.2.1", port: 8080 } as const;
  assertEquals(connectionEnvironment(client, listener), {
    PROTO: "TCP",
    TCPLOCALIP: "192.0.2.1",
    TCPLOCALPORT: "8080",
    TCPREMOTEIP: "192.0.2.7",
    TCPREMOTEPORT: "40000",
    REMOTE_ADDR: "192.0.2.7",
    REMOTE_PORT: "40000",
  });
});

Deno.test("one of IPv6 has its own, and of one on a UNIX socket there is nothing more", () => {
  const client = { transport: "tcp", hostname: "2001:db8::7", port: 40_000 } as const;
  assertEquals(connectionEnvironment(client, undefined), {
    PROTO: "TCP",
    TCPREMOTEIP: "2001:db8::7",
    TCPREMOTEPORT: "40000",
    REMOTE_ADDR: "2001:db8::7",
    REMOTE_PORT: "40000",
  });
  assertEquals(connectionEnvironment({ transport: "unix", path: "/x" }, undefined), {
    PROTO: "UNIX",
  });
});
