import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  SERVICE_OPTIONS,
  type ServiceOptionName,
  serviceOptionNames,
  type ServiceSettings,
} from "../../src/config/options/service.ts";
import type { Option } from "../../src/config/option.ts";
import { sleep } from "../../src/base/timer.ts";
import { http } from "../../src/services/http.ts";
import { listener, start } from "../support/instance.ts";
import { request } from "../support/servers.ts";
import { StreamClient } from "../support/stream_client.ts";

const REQUEST = "GET /any HTTP/1.1\r\nhost: a\r\n\r\n";
const client = { name: "-" };

function settingsOf(texts: Partial<Record<ServiceOptionName, string>> = {}): ServiceSettings {
  return Object.fromEntries(
    serviceOptionNames().map((name) => {
      const option: Option<unknown> = SERVICE_OPTIONS[name];
      return [name, texts[name] === undefined ? option.default : option.parse(texts[name])];
    }),
  ) as unknown as ServiceSettings;
}

function open(texts: Partial<Record<ServiceOptionName, string>> = {}) {
  return http({ name: () => "here", settings: () => settingsOf(texts) });
}

async function answer(texts: Partial<Record<ServiceOptionName, string>>, request = REQUEST) {
  const peer = new StreamClient(open(texts).connect(client));
  await peer.send(request);
  const all = await peer.all();
  peer.close();
  const [head = "", body = ""] = all.split(/\r\n\r\n([^]*)/);
  return { head, body, status: Number(/^HTTP\/1.1 (\d+)/.exec(head)?.[1]) };
}

Deno.test("an answer greets with the name and a number, and ends its connection", async () => {
  const service = open();
  for (const number of [1, 2]) {
    const peer = new StreamClient(service.connect(client));
    await peer.send(REQUEST);
    assertMatch(
      await peer.all(),
      new RegExp(
        `^HTTP/1.1 200 OK\r\n[^]*connection: close\r\n[^]*\r\nHello from here, answer ${number}\n$`,
      ),
    );
    peer.close();
  }
});

Deno.test("size, status and body are what the answer has", async () => {
  const big = await answer({ size: "1000000", status: "404" });
  assertEquals([big.status, big.body.length], [404, 1_000_000]);
  assertMatch(big.head, /content-length: 1000000/);
  const file = await Deno.makeTempFile({ suffix: ".html" });
  await Deno.writeTextFile(file, "<p>Back soon</p>");
  const page = await answer({ body: file, status: "503" });
  assertEquals([page.status, page.body], [503, "<p>Back soon</p>"]);
  assertMatch(page.head, /content-type: text\/html; charset=utf-8/);
  assertMatch(page.head, /retry-after: 5/);
  await Deno.remove(file);
  const nothing = await answer({ status: "204" });
  assertEquals([nothing.status, nothing.body], [204, ""]);
  const head = await answer({ size: "12" }, REQUEST.replace("GET", "HEAD"));
  assertEquals([head.status, head.body], [200, ""]);
  assertMatch(head.head, /content-length: 12/);
  assertEquals((await answer({}, "nonsense\r\n\r\n")).status, 400);
});

/** Requests with a body of 1 MiB. */
const UPLOADS = {
  "with a length": `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1048576\r\n\r\n${
    "x".repeat(1 << 20)
  }`,
  "in chunks": "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n" +
    `ff000\r\n${"x".repeat(0xff000)}\r\n0\r\n\r\n`,
};

for (const [how, upload] of Object.entries(UPLOADS)) {
  Deno.test(`a body of a MiB ${how} is taken whole, and its answer is read after it`, async () => {
    const peer = new StreamClient(open({ requests: "0" }).connect(client));
    await peer.send(upload);
    assertMatch(
      await peer.all(),
      /^HTTP\/1.1 200 OK[^]*connection: close[^]*\nHello from here.*\n$/,
    );
    peer.close();
    // The same through a listener.
    await using program = await start(listener(["service:http"]));
    for (let i = 0; i < 5; i++) {
      assertMatch(await request(program.port, upload), /^HTTP\/1.1 200 OK[^]*\nHello from .*\n$/);
    }
  });
}

Deno.test("who never sends the rest of a body has its answer, and is closed", async () => {
  for (const field of ["content-length: 9", "transfer-encoding: chunked"]) {
    const peer = new StreamClient(open({ requests: "0" }).connect(client));
    await peer.send(`POST / HTTP/1.1\r\nhost: a\r\n${field}\r\n\r\n`);
    assertMatch(await peer.all(), /^HTTP\/1.1 200 OK[^]*\nHello from here, answer 1\n$/);
    await assertRejects(async () => {
      for (;;) {
        await peer.send("5\r\n12345\r\n");
        await sleep(20);
      }
    }, Deno.errors.BrokenPipe);
    peer.close();
  }
});

Deno.test("a connection has as many requests as it may", async () => {
  const service = open({ requests: "3" });
  const peer = new StreamClient(service.connect(client));
  await peer.send(REQUEST.repeat(4));
  const all = await peer.all();
  assertEquals(all.match(/^Hello from here/gm)!.length, 3);
  assertEquals(all.match(/^connection: close/gm)!.length, 1);
  peer.close();
});

Deno.test("an answer waits for its delay, and for nobody once its client has left", async () => {
  const begun = performance.now();
  assertEquals((await answer({ delay: "50ms", jitter: "10ms" })).status, 200);
  assert(performance.now() - begun >= 50);
  // The timer of an hour would outlive the test.
  const stream = open({ delay: "1h" }).connect(client);
  const peer = new StreamClient(stream);
  await peer.send(REQUEST);
  // The request has its turn before that.
  await new Promise((resolve) => setTimeout(resolve, 20));
  peer.close();
  await peer.all();
});

Deno.test("a request that fails on purpose gets no answer, as often as is asked for", async () => {
  assertEquals(await answer({ fail: "100%" }), { head: "", body: "", status: NaN });
  let failed = 0;
  for (let i = 0; i < 200; i++) if (Number.isNaN((await answer({ fail: "50%" })).status)) failed++;
  assert(failed > 50 && failed < 150, `${failed}`);
});

Deno.test("when it is to finish, a connection without a request is closed, others are answered", async () => {
  const service = open({ requests: "0", delay: "30ms" });
  const idle = new StreamClient(service.connect(client));
  const busy = new StreamClient(service.connect(client));
  await busy.send(REQUEST);
  await new Promise((resolve) => setTimeout(resolve));
  service.finish!(true);
  assertEquals(await idle.all(), "");
  assertMatch(await busy.all(), /connection: close[^]*Hello from here/);
  for (const peer of [idle, busy]) peer.close();
});
