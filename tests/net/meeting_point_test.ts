import { assertEquals, assertRejects } from "@std/assert";
import { meet } from "../../src/net/meeting_point.ts";

Deno.test({
  name: "whoever comes too late to a meeting removes what is left of it",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/starter`;
    // What a process that was killed leaves: a socket at which nobody listens.
    await Deno.writeTextFile(path, "");
    await assertRejects(() => meet(path), Error);
    assertEquals(await Deno.stat(folder).catch(() => "gone"), "gone");
  },
});
