import { assertEquals } from "@std/assert";
import { withoutTelnet } from "../../src/services/telnet.ts";

Deno.test("of a line with commands of Telnet the text is left, wherever it breaks off", () => {
  const text = (bytes: (number | string)[]) => {
    const line = bytes.flatMap((one) =>
      typeof one === "number" ? [one] : [...new TextEncoder().encode(one)]
    );
    return new TextDecoder().decode(withoutTelnet(new Uint8Array(line)));
  };
  assertEquals(text([255, 253, 3, 255, 251, 24, "ann"]), "ann");
  assertEquals(text(["ä", 255, 244, 255, 253, 6, "b"]), "äb");
  assertEquals(text(["a", 255, 250, 31, 0, 80, 255, 255, 255, 240, "b"]), "ab");
  assertEquals(text(["a", 255, 250, 31]), "a");
  assertEquals(text(["a", 255]), "a");
  assertEquals(text(["a", 255, 253]), "a");
  assertEquals(text(["plain"]), "plain");
});
