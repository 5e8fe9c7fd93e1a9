import { assertStringIncludes } from "@std/assert";
import { priority } from "../../src/config/values/priority.ts";

Deno.test("of several classes the one is named that is wrong", () => {
  const { problem } = priority({ help: "" });
  for (
    const [text, told] of [
      ["10.0.0.0/8=0,10.0.0.0/33=1,::1=2", '"10.0.0.0/33=1" is wrong; must be none'],
      ["10.0.0.0/8=0, 192.0.2.1", '"192.0.2.1" has no class; must be none'],
      ["10.0.0.0/8=0,,::1=2", '"" is wrong; '],
      [Array(257).fill("::1=0").join(), "has 257 networks; must be none, or at most 256"],
    ] as const
  ) assertStringIncludes(problem!(text)!, told);
});
