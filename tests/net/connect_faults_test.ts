import { assertEquals } from "@std/assert";
import { DialError } from "../../src/net/dial.ts";
import { faultOf } from "../../src/net/connect_faults.ts";

function failure(code: string, where = "10.0.0.1:80") {
  return { where, error: Object.assign(new Error(code), { code }) };
}

Deno.test("each error of a connect says who is at fault", () => {
  const faults = {
    machine: ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "ENOSPC"],
    full: ["EAGAIN", "EWOULDBLOCK", "EADDRNOTAVAIL", "EADDRINUSE", "EINTR"],
    reset: ["ECONNRESET", "EPIPE", "ENOTCONN"],
    gone: ["ECONNREFUSED", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "ENOENT"]
      .concat("EACCES", "EPERM", "EPROTOTYPE", "EINVAL", "EWHATEVER"),
  };
  for (const [fault, codes] of Object.entries(faults)) {
    for (const code of codes) assertEquals([code, faultOf([failure(code)])], [code, fault]);
  }
  const time = { where: "10.0.0.1:80", error: new Error("no connection within 5000 ms") };
  assertEquals(new DialError([time]).fault, "gone");
});

Deno.test("of an address that could not be tried nothing is known", () => {
  const [refused, full, short] = ["ECONNREFUSED", "EAGAIN", "EMFILE"].map((code) => failure(code));
  assertEquals(faultOf([refused!, full!]), "full");
  assertEquals(faultOf([full!, short!, refused!]), "machine");
  assertEquals(faultOf([refused!, failure("ECONNRESET")]), "reset");
  assertEquals(faultOf([failure("ECONNRESET"), full!]), "full");
  assertEquals(faultOf([]), "gone");
});
