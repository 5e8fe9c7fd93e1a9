import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ownerOf } from "../../src/admin/authorization.ts";
import { readToken } from "../../src/config/token_file.ts";
import { UsageError } from "../../src/base/errors.ts";

async function withFile(text: string, use: (path: string) => void): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, text);
    use(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("the token is the first line without the white space around it", async () => {
  for (const text of ["0123456789abcdef", " 0123456789abcdef\r\n", "0123456789abcdef\n# note\n"]) {
    await withFile(text, (path) => assertEquals(readToken(path), "0123456789abcdef"));
  }
});

for (
  const text of ["", "\n0123456789abcdef", "0123456789abcde", "0123456789 abcdef", "ä".repeat(16)]
) {
  Deno.test(`${JSON.stringify(text)} is no token, and is not shown`, async () => {
    await withFile(text, (path) => {
      const error = assertThrows(() => readToken(path), UsageError, "at least 16");
      assertStringIncludes(error.message, path);
      assert(text.trim() === "" || !error.message.includes(text.trim()));
      assert(!error.message.includes("\n"));
    });
  });
}

Deno.test("a token file that is not there is named", () => {
  const error = assertThrows(() => readToken("/nonexistent/to\nken"), UsageError);
  assertStringIncludes(error.message, '"/nonexistent/to\\nken": cannot be read');
  assert(!error.message.includes("\n"));
});

Deno.test("only the whole token authorizes", async () => {
  const token = "0123456789abcdef";
  const tokens = { operator: token, reader: "fedcba9876543210" };
  assertEquals(await ownerOf(`Bearer ${token}`, tokens), "operator");
  assertEquals(await ownerOf("bearer fedcba9876543210", tokens), "reader");
  for (
    const header of [null, "", "Bearer", "Bearer ", `Bearer ${token} x`, "Bearer 0123456789abcdeF"]
  ) {
    for (const some of [tokens, { operator: token }, { reader: token }, {}]) {
      assertEquals(await ownerOf(header, some), undefined, String(header));
    }
  }
});
