import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ROUTES } from "../../src/admin/routes.ts";
import { errorOf, TestAdmin } from "../support/admin.ts";
import { liveSession } from "../support/fake_operations.ts";

const TOKENS = {
  token: "the-token-of-the-operator",
  readerToken: "the-token-of-those-who-look",
};

function bearing(token: string): RequestInit {
  return { headers: { authorization: `Bearer ${token}` } };
}

/** Everything that changes something. */
const CHANGES: readonly [string, string, unknown?][] = [
  ["POST", "/destinations", { address: "9" }],
  ["POST", "/destinations", { exec: ["/bin/true"] }],
  ["PATCH", "/destinations/1.1", { state: "drain" }],
  ["DELETE", "/destinations/1.1"],
  ["DELETE", "/sessions/1.1"],
  ["POST", "/reload", {}],
  ["POST", "/drain", {}],
];

async function change(
  admin: TestAdmin,
  [method, path, body]: (typeof CHANGES)[number],
  token?: string,
): Promise<Response> {
  return await admin.fetch(path, {
    method,
    ...(token !== undefined && bearing(token)),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

Deno.test("everyone is told who they are and what they may", async () => {
  await using admin = await TestAdmin.start(TOKENS);
  const ask = async (token: string) => (await admin.fetch("/whoami", bearing(token))).json();
  assertEquals(await ask(TOKENS.token), { name: "operator", may: "everything", token: true });
  assertEquals(await ask(TOKENS.readerToken), { name: "reader", may: "read", token: true });
  assertStringIncludes(await errorOf(await admin.fetch("/whoami"), 401), "token");
  await using open = await TestAdmin.start();
  const loopback = { name: "loopback", may: "everything", token: false };
  assertEquals(await (await open.fetch("/whoami")).json(), loopback);
  const folder = await Deno.makeTempDir();
  {
    await using socket = await TestAdmin.start({ address: `unix:${folder}/admin.sock` });
    const answer = await socket.raw(["GET /whoami HTTP/1.0"]);
    assertStringIncludes(answer, '{"name":"socket file","may":"everything","token":false}');
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a reader sees everything and changes nothing", async () => {
  await using admin = await TestAdmin.start(TOKENS);
  admin.operations.live = [liveSession("1.1")];
  for (const { path } of ROUTES.filter(({ method, needs }) => method === "GET" && !needs)) {
    if (path === "/" || path.includes("{")) continue;
    const answer = await admin.fetch(path, bearing(TOKENS.readerToken));
    await answer.body?.cancel();
    assertEquals(answer.status, 200, path);
  }
  for (const one of CHANGES) {
    const answer = await change(admin, one, TOKENS.readerToken);
    assertMatch(await errorOf(answer, 403), /may only look.*--admin-token-file/, one.join(" "));
    await errorOf(await change(admin, one), 401);
  }
  assertEquals(admin.operations.asked, []);
});

Deno.test("with the token for looking alone nobody changes anything", async () => {
  await using admin = await TestAdmin.start({ readerToken: TOKENS.readerToken });
  await errorOf(await admin.fetch("/status"), 401);
  const status = await admin.fetch("/status", bearing(TOKENS.readerToken));
  await status.body?.cancel();
  assertEquals(status.status, 200);
  for (const one of CHANGES) {
    await errorOf(await change(admin, one, TOKENS.readerToken), 403);
    await errorOf(await change(admin, one), 401);
  }
  assertEquals(admin.operations.asked, []);
});

Deno.test("the program learns who has asked for a change, and from where", async () => {
  await using admin = await TestAdmin.start(TOKENS);
  admin.operations.live = [liveSession("1.1")];
  for (const one of CHANGES) {
    const answer = await change(admin, one, TOKENS.token);
    await answer.body?.cancel();
    assertEquals(Math.floor(answer.status / 100), 2, one.join(" "));
  }
  const { askers } = admin.operations;
  assertEquals(askers.length, CHANGES.length);
  for (const by of askers) assertMatch(by!, /^operator \(127\.0\.0\.1:\d+\)$/);
  await using open = await TestAdmin.start();
  await (await change(open, ["POST", "/reload", {}])).body?.cancel();
  assertMatch(open.operations.askers[0]!, /^loopback \(127\.0\.0\.1:\d+\)$/);
  const folder = await Deno.makeTempDir();
  const address = `unix:${folder}/admin.sock`;
  {
    await using socket = await TestAdmin.start({ address });
    const head = ["DELETE /destinations/1.1 HTTP/1.1", "Host: x", "Connection: close"];
    assertEquals(await socket.rawStatus(head), 202);
    assertEquals(socket.operations.askers, [`socket file (${address})`]);
  }
  await Deno.remove(folder, { recursive: true });
});
