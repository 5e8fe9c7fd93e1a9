import { assertEquals } from "@std/assert";
import { optionsPage } from "../../scripts/options_page.ts";

Deno.test("docs/options.md is what the tables of options say: deno task docs writes it", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/options.md", import.meta.url));
  // Where its lines are broken is up to the formatter.
  const words = (text: string) => text.split(/\s+/);
  assertEquals(words(page), words(optionsPage()));
});
