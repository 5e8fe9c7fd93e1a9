import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import type { Connector } from "../../src/destinations/connector.ts";
import { CheckError } from "../../src/destinations/conversation.ts";
import { runCheck } from "../../src/destinations/probe.ts";
import { sendingProxy } from "../../src/destinations/send_proxy.ts";
import { parseCheck } from "../../src/config/values/check.ts";
import { type Caller, DialError } from "../../src/net/dial.ts";
import { RecordingStream } from "../support/recording_stream.ts";

const CALLER: Caller = {
  clientAddress: { transport: "tcp", hostname: "192.0.2.1", port: 4660 },
  listenerAddress: { transport: "tcp", hostname: "198.51.100.2", port: 443 },
  hasBytes: false,
};

const LINE = "PROXY TCP4 192.0.2.1 198.51.100.2 4660 443\r\n";
const UNKNOWN = "PROXY UNKNOWN\r\n";

function connectorTo(stream: RecordingStream): Connector {
  return {
    description: "9001",
    isTried: true,
    isLocated: true,
    connect: () => Promise.resolve(stream),
  };
}

function options(caller?: Caller) {
  return { signal: new AbortController().signal, timeout: 1000, caller };
}

Deno.test("without a header there is no connector around the connector", () => {
  const plain = connectorTo(new RecordingStream());
  assertStrictEquals(sendingProxy(plain, "off"), plain);
  const first = sendingProxy(plain, "v1");
  assertEquals(
    [first.description, first.isTried, first.isLocated],
    [plain.description, plain.isTried, plain.isLocated],
  );
  assertStrictEquals(sendingProxy(first, "off"), plain);
});

Deno.test("another version replaces the one before", async () => {
  const stream = new RecordingStream();
  const connector = sendingProxy(sendingProxy(connectorTo(stream), "v2"), "v1");
  await connector.connect(options(CALLER));
  assertEquals(stream.calls[0], LINE);
});

Deno.test("while the client is silent its header goes at once, and the next write does not wait", async () => {
  const stream = new RecordingStream(10);
  const connected = await sendingProxy(connectorTo(stream), "v1").connect(options(CALLER));
  assertStrictEquals(connected, stream);
  assertEquals(stream.calls.pop(), "(sendPromptly)");
  assertEquals(stream.calls.join(""), LINE);
});

Deno.test("with bytes of the client its header goes in one write with them", async () => {
  const stream = new RecordingStream();
  const caller = { ...CALLER, hasBytes: true };
  const connected = await sendingProxy(connectorTo(stream), "v1").connect(options(caller));
  assertEquals(stream.calls, []);
  assertEquals(await connected.write(new TextEncoder().encode("question")), 8);
  assertEquals(stream.calls, [`${LINE}question`]);
});

Deno.test("whether there are bytes is asked once it is connected", async () => {
  const stream = new RecordingStream();
  let hasBytes = false;
  const caller: Caller = {
    ...CALLER,
    get hasBytes() {
      return hasBytes;
    },
  };
  const connector: Connector = {
    ...connectorTo(stream),
    connect() {
      hasBytes = true;
      return Promise.resolve(stream);
    },
  };
  await sendingProxy(connector, "v1").connect(options(caller));
  assertEquals(stream.calls, []);
});

Deno.test("a header that cannot be written is a reset, and the connection is closed", async () => {
  const stream = new RecordingStream();
  stream.failure = Object.assign(new Deno.errors.BrokenPipe("broken"), { code: "EPIPE" });
  const error = await assertRejects(
    () => sendingProxy(connectorTo(stream), "v2").connect(options(CALLER)),
    DialError,
    "9001: broken",
  );
  assertEquals([error.fault, stream.calls], ["reset", ["(close)"]]);
});

Deno.test("a connect that is given up while the header is written is closed", async () => {
  const stream = new RecordingStream();
  const attempt = new AbortController();
  const write = stream.write.bind(stream);
  stream.write = (bytes) => {
    attempt.abort(new Error("given up"));
    return write(bytes);
  };
  const connecting = sendingProxy(connectorTo(stream), "v1").connect({
    ...options(CALLER),
    signal: attempt.signal,
  });
  await assertRejects(() => connecting, Error, "given up");
  assertEquals(stream.calls.at(-1), "(close)");
});

for (
  const [text, first] of [
    ["tcp", UNKNOWN],
    ["http:/", `${UNKNOWN}GET / HTTP/1.1\r\n`],
    ["redis", `${UNKNOWN}*1\r\n`],
    ["postgres", `${UNKNOWN}\0`],
    ["mysql:check", UNKNOWN],
    ["smtp", UNKNOWN],
    ["expect:ready", UNKNOWN],
    ["send:PING,expect:PONG", `${UNKNOWN}PING`],
  ] as const
) {
  Deno.test(`a check ${text} names nobody, in one write with what it says first`, async () => {
    const stream = new RecordingStream();
    const connector = sendingProxy(connectorTo(stream), "v1");
    const { signal } = new AbortController();
    const checking = runCheck(parseCheck(text)!, { connector, host: "h", signal, timeout: 1000 });
    // The stream ends without an answer.
    if (text === "tcp") await checking;
    else await assertRejects(() => checking, CheckError);
    const [written] = stream.calls;
    assert(first === UNKNOWN ? written === first : written!.startsWith(first), written);
    assertEquals(stream.calls.at(-1), "(close)");
  });
}
