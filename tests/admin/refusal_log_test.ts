import { assert, assertEquals } from "@std/assert";
import { RefusalLog } from "../../src/admin/refusal_log.ts";
import { HttpError } from "../../src/admin/responses.ts";
import { TestAdmin } from "../support/admin.ts";
import { collectedLog } from "../support/logs.ts";

const SHOWN = new Headers({ authorization: "Bearer x" });

Deno.test("who is refused is in the log, a few at once", () => {
  const { log, lines } = collectedLog();
  const refusals = new RefusalLog(log);
  const url = "http://localhost:9090/destinations/1.1";
  const request = { method: "PATCH", url, headers: SHOWN };
  const forbidden = new HttpError(403, "it may only look");
  refusals.note(request, forbidden, "reader (192.0.2.7:4000)");
  assertEquals(lines, [
    'refused to reader (192.0.2.7:4000): "PATCH /destinations/1.1": it may only look',
  ]);
  for (let i = 0; i < 1000; i++) refusals.note(request, forbidden, "reader (192.0.2.7:4000)");
  assertEquals(lines.length, 10);
});

Deno.test("neither mistakes nor the page before the sign-in are in that log", () => {
  const { log, lines } = collectedLog();
  const refusals = new RefusalLog(log);
  const url = "/status";
  const wrong = new HttpError(401, "the token is wrong");
  refusals.note({ method: "GET", url, headers: new Headers() }, wrong, "192.0.2.7:4000");
  refusals.note({ method: "GET", url, headers: SHOWN }, new HttpError(404, "nothing"), "x");
  assertEquals(lines, []);
  refusals.note({ method: "GET", url, headers: SHOWN }, wrong, "192.0.2.7:4000");
  assertEquals(lines, ['refused to 192.0.2.7:4000: "GET /status": the token is wrong']);
});

Deno.test("a stranger cannot make these lines long, nor look like another line", async () => {
  const { log, lines } = collectedLog();
  await using admin = await TestAdmin.start({ log });
  const long = "x".repeat(5000);
  const heads = [
    [`DELETE /${long} HTTP/1.1`, `Host: ${long}.example`],
    ["POST /drain HTTP/1.1", "Host: localhost", `Origin: http://${long}`],
    ["POST /drain HTTP/1.1", "Host: localhost", "Origin: \x9b2J\x85by operator: drain"],
  ];
  for (const head of heads) {
    assertEquals(await admin.rawStatus([...head, "Connection: close"]), 403);
  }
  assertEquals(lines.length, 3);
  for (const line of lines) assert(line.length < 700, line);
});
