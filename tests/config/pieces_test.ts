import { assert, assertEquals, assertLess, assertStrictEquals } from "@std/assert";
import { PiecesOfConfig, toPieces } from "../../src/config/pieces.ts";
import type { ProgramSource } from "../../src/config/source.ts";

/** So many entries of a list. */
function entries(number: number, line: number) {
  return Array.from({ length: number }, (_, i) => ({ text: `10.0.${i >> 8}.${i & 255}`, line }));
}

Deno.test("a configuration that was taken apart is put together again, shared lists as one", () => {
  const rules = entries(1000, 1).map((entry) => ({ ...entry, verdict: "allow" as const }));
  const listener = (port: number, destinations: number) => ({
    listen: { text: `${port}`, line: port },
    destinations: entries(destinations, port),
    options: { workers: { text: "4", line: port } },
    rules,
  });
  const source: ProgramSource = {
    file: "a.toml",
    options: { admin: { text: "9090", line: 2 } },
    listeners: [listener(1, 1001), listener(2, 0), { ...listener(3, 1), listen: undefined }],
  };
  const problems = entries(777, 4).map(({ text, line }) => [text, line] as const);
  const together = new PiecesOfConfig();
  let sent = 0;
  for (const piece of toPieces({ source, problems })) {
    const list = "list" in piece ? piece.entries : "problems" in piece ? piece.problems : [];
    assertLess(list.length, 500, "entries of a piece");
    if ("list" in piece) sent += list.length;
    together.add(structuredClone(piece));
  }
  const whole = together.whole();
  assertEquals(whole, { source, problems });
  assertEquals(sent, 1000 + 1001 + 1);
  const [first, second] = whole.source.listeners;
  assert(first && second);
  assertStrictEquals(first.rules, second.rules);
});
