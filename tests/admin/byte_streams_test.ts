import { assert, assertEquals, assertMatch } from "@std/assert";
import type { InspectionRecord, InspectionSource } from "../../src/operations/inspection.ts";
import { OperationError } from "../../src/operations/operations.ts";
import { errorOf, TestAdmin } from "../support/admin.ts";
import { collectedLog } from "../support/logs.ts";
import { until } from "../support/servers.ts";

const TOKEN = "a-token-that-is-long-enough";
const AS_OPERATOR = { headers: { authorization: `Bearer ${TOKEN}` } };

/** Tells what it is given, and counts how often it was asked. */
class FakeSource implements InspectionSource {
  readonly found = [];
  reads = 0;
  ended = false;
  batches: (readonly InspectionRecord[])[] = [];
  endless = false;

  read(): Promise<readonly InspectionRecord[] | undefined> {
    this.reads++;
    const batch = this.endless ? this.batches[0] : this.batches.shift();
    return new Promise((resolve) => setTimeout(() => resolve(this.ended ? undefined : batch), 1));
  }

  end(): number {
    this.ended = true;
    return 5;
  }
}

function piece(length: number): InspectionRecord {
  const head = { kind: "bytes", session: "1.1", time_us: 1, direction: "up", offset: 0 } as const;
  return { ...head, bytes: new Uint8Array(length).fill(65) };
}

Deno.test("the bytes of sessions are an event stream that begins and ends with a line in the log", async () => {
  const { log, lines } = collectedLog();
  await using admin = await TestAdmin.start({ token: TOKEN, log });
  const source = new FakeSource();
  source.batches = [[piece(3)], [{ kind: "lost", time_us: 2, lost_bytes: 7, lost_sessions: 0 }]];
  admin.operations.inspected = [source];
  const path = "/bytes?session=1.1&listener=web&client=10.0.0.0/8&destination=db1&session=1.2";
  const response = await admin.fetch(path, AS_OPERATOR);
  assertEquals(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
  const text = await response.text();
  assertMatch(
    text,
    /event: bytes\ndata: \{"session":"1\.1",.*"direction":"up","offset":0,"bytes":"QUFB"\}\n\n/,
  );
  assertMatch(text, /event: lost\ndata: .*"lost_bytes":7.*\n\nevent: done\ndata: \{\}\n\n$/);
  assertEquals(admin.operations.asked, [["inspect", {
    sessions: ["1.1", "1.2"],
    listener: "web",
    destination: "db1",
    client: "10.0.0.0/8",
  }]]);
  assert(source.ended);
  await until(() => lines.length === 2, "its end is logged");
  const what = "sessions 1.1, 1.2 and all sessions from 10.0.0.0/8 at listener web to db1";
  assertMatch(
    lines[0]!,
    new RegExp(`^by operator \\(127\\.0\\.0\\.1:\\d+\\): looks into the bytes of ${what}$`),
  );
  assertMatch(
    lines[1]!,
    new RegExp(`looks no more into the bytes of ${what}: .*3 bytes; 12 bytes were left out$`),
  );
});

Deno.test("they are shown only with the token, also over a socket file", async () => {
  await using open = await TestAdmin.start();
  const error = await errorOf(await open.fetch("/bytes?session=1.1"), 403);
  assertMatch(error, /only with a token: start iawlb with --admin-token-file FILE/);
  const folder = await Deno.makeTempDir();
  {
    await using socket = await TestAdmin.start({ address: `unix:${folder}/admin.sock` });
    const head = ["GET /bytes?session=1.1 HTTP/1.1", "Host: x", "Connection: close"];
    assertEquals(await socket.rawStatus(head), 403);
    assertEquals(socket.operations.asked, []);
  }
  await Deno.remove(folder, { recursive: true });
  await using admin = await TestAdmin.start({ token: TOKEN });
  await errorOf(await admin.fetch("/bytes?session=1.1"), 401);
  assertEquals([open.operations.asked, admin.operations.asked], [[], []]);
  const head = await admin.fetch("/bytes?session=1.1", { ...AS_OPERATOR, method: "HEAD" });
  assertEquals([head.status, admin.operations.asked], [200, []]);
});

Deno.test("what is wrong with the request is said", async () => {
  await using admin = await TestAdmin.start({ token: TOKEN });
  for (
    const [query, status, message] of [
      ["", 422, /which sessions is missing/],
      ["?session=7", 422, /session "7": must be two numbers/],
      ["?client=nobody", 422, /client "nobody": must be an address or a network/],
      ["?listener=a&listener=b", 422, /listener: given twice/],
      ["?sessions=1.1", 422, /"sessions": no such parameter; there are session, listener/],
      [
        `?${"session=1.1&".repeat(1)}${
          Array.from({ length: 101 }, (_, n) => `session=2.${n}`).join("&")
        }`,
        422,
        /at most 100/,
      ],
    ] as const
  ) {
    assertMatch(await errorOf(await admin.fetch(`/bytes${query}`, AS_OPERATOR), status), message);
  }
  admin.operations.failure = new OperationError("missing", "there is no session 1.1");
  await errorOf(await admin.fetch("/bytes?session=1.1", AS_OPERATOR), 404);
});

Deno.test("nothing is fetched for a reader that does not read; one that leaves ends it", async () => {
  await using admin = await TestAdmin.start({ token: TOKEN });
  const source = new FakeSource();
  source.endless = true;
  source.batches = [[piece(1_000_000)]];
  admin.operations.inspected = [source];
  const conn = await admin.connect();
  await conn.write(new TextEncoder().encode(
    `GET /bytes?session=1.1 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`,
  ));
  await until(() => source.reads > 1, "it is read");
  let before = -1;
  await until(async () => {
    const still = before === source.reads;
    before = source.reads;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return still;
  }, "no more is fetched");
  assert(before < 40, `${before} MB were fetched`);
  conn.close();
  await until(() => source.ended, "it is ended");
});

Deno.test("there are 8 streams at most, and all end with the server", async () => {
  await using admin = await TestAdmin.start({ token: TOKEN });
  const source = new FakeSource();
  source.endless = true;
  source.batches = [[]];
  admin.operations.inspected = [source];
  const all = await Promise.all(
    Array.from({ length: 8 }, () => admin.fetch("/bytes?session=1.1", AS_OPERATOR)),
  );
  assertMatch(
    await errorOf(await admin.fetch("/bytes?session=1.1", AS_OPERATOR), 503),
    /8 streams of bytes are open already/,
  );
  const texts = all.map((response) => response.text());
  await admin.close();
  for (const text of await Promise.all(texts)) assertMatch(text, /^event: alive\ndata: /);
});

Deno.test("those that are beginning count, and one that cannot begin has no place", async () => {
  await using admin = await TestAdmin.start({ token: TOKEN });
  const source = new FakeSource();
  source.endless = true;
  source.batches = [[]];
  const { inspect } = admin.operations;
  const begun = Promise.withResolvers<void>();
  let beginning = 0;
  admin.operations.inspect = async () => {
    beginning++;
    await begun.promise;
    return [source];
  };
  const asked = Array.from({ length: 20 }, () => admin.fetch("/bytes?session=1.1", AS_OPERATOR));
  const refused = await Promise.any(asked.map(async (one) => {
    const response = await one;
    assertEquals(response.status, 503);
    return await response.text();
  }));
  assertMatch(refused, /8 streams of bytes are open already/);
  begun.resolve();
  const answers = await Promise.all(asked);
  assertEquals(answers.filter(({ status }) => status === 200).length, 8);
  assertEquals(beginning, 8);
  await Promise.all(answers.map(({ bodyUsed, body }) => bodyUsed ? undefined : body?.cancel()));
  await until(() => source.ended, "they are ended");
  admin.operations.inspect = inspect;
  admin.operations.inspected = [source];
  for (let i = 0; i < 10; i++) {
    admin.operations.failure = new OperationError("missing", "there is no session 1.1");
    await errorOf(await admin.fetch("/bytes?session=1.1", AS_OPERATOR), 404);
  }
  admin.operations.failure = undefined;
  const response = await admin.fetch("/bytes?session=1.1", AS_OPERATOR);
  assertEquals(response.status, 200);
  await response.body?.cancel();
});
