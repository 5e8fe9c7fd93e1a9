import { assert, assertEquals, assertRejects } from "@std/assert";
import { fc } from "../../support/properties.ts";
import { BadRequest, MAX_HEAD } from "../../../src/net/http/head.ts";
import { HttpBody, HttpInput } from "../../../src/net/http/input.ts";

/** An input that brings these pieces, one with each read, and how much of it was read. */
function inputOf(pieces: readonly string[]) {
  const bytes = pieces.filter((piece) => piece !== "").map((piece) => {
    return Uint8Array.from(piece, (letter) => letter.charCodeAt(0));
  });
  const state = { read: 0 };
  const input = new HttpInput((buffer) => {
    const [next] = bytes;
    if (!next) return Promise.resolve(0);
    const number = Math.min(next.length, buffer.length);
    assert(number > 0, "there is room");
    buffer.set(next.subarray(0, number));
    if (number === next.length) bytes.shift();
    else bytes[0] = next.subarray(number);
    state.read += number;
    return Promise.resolve(number);
  });
  return { input, state };
}

/** A text in pieces that end at these places. */
function cut(text: string, places: readonly number[]): string[] {
  const ends = [...new Set(places.map((place) => place % (text.length + 1)))].sort((a, b) => a - b);
  return [...ends, text.length].map((end, i) => text.slice(ends[i - 1] ?? 0, end));
}

const decode = (bytes: Uint8Array) => String.fromCharCode(...bytes);
const quiet = { onBegin() {} };

async function headOf(input: HttpInput): Promise<string | undefined> {
  const head = await input.head(quiet);
  return head && decode(head);
}

async function bodyOf(input: HttpInput, framing: HttpBody["stream"] | number | "chunked") {
  const body = new HttpBody(input, {
    framing: framing === "chunked"
      ? { kind: "chunked" }
      : { kind: "length", length: framing as number },
    onWanted: () => Promise.resolve(),
  });
  let text = "";
  for await (const bytes of body.stream) text += decode(bytes);
  assert(body.ended);
  return text;
}

const FIRST = "POST / HTTP/1.1\r\nHost: a\r\n\r\n";
const CHUNKED = "5;x=y\r\nhello\r\n1 ;z\r\n!\r\n000\r\nTrailer: x\r\n\r\n";
const SECOND = "GET /second HTTP/1.1\r\n\r\n";

Deno.test("requests are told apart however their bytes arrive", async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.nat(), { maxLength: 12 }), async (places) => {
    const text = FIRST + CHUNKED + "\r\n" + SECOND + "abc" + FIRST;
    const { input } = inputOf(cut(text, places));
    assertEquals(await headOf(input), FIRST);
    assertEquals(await bodyOf(input, "chunked"), "hello!");
    assertEquals(await headOf(input), SECOND);
    assertEquals(await bodyOf(input, 3), "abc");
    assertEquals(await headOf(input), FIRST);
    assertEquals(await headOf(input), undefined);
  }));
});

Deno.test("whatever arrives is a request, a refusal or the end, and is bounded", async () => {
  const word = fc.constantFrom(
    "\r\n",
    "\n",
    "\r",
    " ",
    ":",
    "0",
    "5",
    "GET / HTTP/1.1",
    "a: b",
    "\x00",
  );
  const text = fc.array(fc.oneof(word, fc.string({ maxLength: 5 })), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(text, fc.array(fc.nat()), async (words, places) => {
      const all = words.join("");
      for (const kind of ["head", "body"] as const) {
        const whole = inputOf([all]);
        const pieces = inputOf(cut(all, places));
        const results = [];
        for (const { input } of [whole, pieces]) {
          try {
            results.push(
              kind === "head" ? await headOf(input) : await bodyOf(input, "chunked"),
            );
          } catch (error) {
            assert(error instanceof BadRequest, String(error));
            results.push("refused");
          }
        }
        // A line that is too long may be seen before its bad end is.
        assertEquals(results[0], results[1], JSON.stringify(all));
      }
    }),
    { numRuns: 1000 },
  );
});

Deno.test("a head without end is refused when it is too large, not kept", async () => {
  const { input, state } = inputOf(Array.from({ length: 1000 }, () => "x".repeat(1000)));
  const error = await assertRejects(() => input.head(quiet), BadRequest);
  assertEquals((error as unknown as BadRequest).status, 431);
  assert(state.read <= MAX_HEAD);
  const exact = `GET / HTTP/1.1\r\na: ${"b".repeat(MAX_HEAD - 23)}\r\n\r\n`;
  assertEquals(exact.length, MAX_HEAD);
  assertEquals(await headOf(inputOf([exact]).input), exact);
});

for (
  const body of [
    "5\nhello\r\n0\r\n\r\n",
    "5\r\nhello0\r\n\r\n",
    "5\r\nhello!\r\n0\r\n\r\n",
    "-5\r\nhello\r\n0\r\n\r\n",
    "0x5\r\nhello\r\n0\r\n\r\n",
    " 5\r\nhello\r\n0\r\n\r\n",
    "\r\n5\r\nhello\r\n0\r\n\r\n",
    "fffffffff\r\n",
    "5\r\nhel",
    "5\r\nhello\r\n",
    "5\r\nhello\r\n0\r\n",
    `1;${"x".repeat(300)}\r\na\r\n0\r\n\r\n`,
    `0\r\n${"a: b\r\n".repeat(1000)}\r\n`,
  ]
) {
  Deno.test(`a body of chunks is refused: ${JSON.stringify(body.slice(0, 30))}`, async () => {
    await assertRejects(() => bodyOf(inputOf([body]).input, "chunked"), BadRequest);
    await assertRejects(() => bodyOf(inputOf([...body]).input, "chunked"), BadRequest);
  });
}

Deno.test("a body that nobody reads is not read", async () => {
  const { input, state } = inputOf([FIRST, "x".repeat(10_000)]);
  await input.head(quiet);
  const body = new HttpBody(input, {
    framing: { kind: "length", length: 10_000 },
    onWanted: () => Promise.reject(new Error("nobody wants it")),
  });
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals([state.read, body.ended], [FIRST.length, false]);
});
