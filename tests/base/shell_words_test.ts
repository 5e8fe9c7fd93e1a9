import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { joinWords, ShellWordsError, splitWords } from "../../src/base/shell_words.ts";

Deno.test("words end at blanks, and quotes and backslashes are a shell's", () => {
  const cases: Record<string, string[]> = {
    "": [],
    " \t\n ": [],
    "/usr/bin/x arg": ["/usr/bin/x", "arg"],
    ' x  "with space" ': ["x", "with space"],
    "x 'a b'c\"d e\"\\ f": ["x", "a bcd e f"],
    "x '' \"\"": ["x", "", ""],
    'x "a\\"b\\\\c\\d\\$e"': ["x", 'a"b\\c\\d$e'],
    "x 'a\\b\"'": ["x", 'a\\b"'],
    "x a\\\nb \\\n c": ["x", "ab", "c"],
    "x $HOME * | > ; & # ~ `y`": ["x", "$HOME", "*", "|", ">", ";", "&", "#", "~", "`y`"],
    "x a,b\\,c": ["x", "a,b,c"],
    "x ä€😀": ["x", "ä€😀"],
  };
  for (const [text, words] of Object.entries(cases)) assertEquals(splitWords(text), words, text);
});

Deno.test("what is not closed is a mistake", () => {
  for (const text of ["x 'a", 'x "a', "x a\\", 'x "a\\"', "'"]) {
    assertThrows(() => splitWords(text), ShellWordsError, "must have");
  }
});

Deno.test("any words are read again as they were written", () => {
  fc.assert(fc.property(fc.array(fc.string({ unit: "binary", maxLength: 20 })), (words) => {
    assertEquals(splitWords(joinWords(words)), words);
  }));
});

Deno.test("a real shell reads the same words", async () => {
  const words = ["a b", "'", '"', "\\", "$x", "`y`", "*", "", "é", "a\nb", "\t", "--x=1,2"];
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", `printf '%s\\0' ${joinWords(words)}`],
  }).output();
  assertEquals(new TextDecoder().decode(stdout).split("\0").slice(0, -1), words);
});
