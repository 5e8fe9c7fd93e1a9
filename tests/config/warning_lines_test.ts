import { assertEquals } from "@std/assert";
import { warningLines } from "../../src/config/warning_lines.ts";

Deno.test("each warning is told once, and of too many that there are more", () => {
  const twenty = Array.from({ length: 20 }, (_, i) => `warning ${i}`);
  assertEquals(warningLines([...twenty, ...twenty], "more"), twenty);
  assertEquals(warningLines([...twenty, "one", "another"], "more"), [...twenty, "more"]);
  assertEquals(warningLines([], "more"), []);
});
