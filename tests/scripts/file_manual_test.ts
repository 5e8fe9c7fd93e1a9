import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fileManual } from "../../scripts/packaging/file_manual.ts";
import { destinationOptionNames } from "../../src/config/options/destination.ts";
import { execOptionNames } from "../../src/config/options/exec.ts";
import { serviceOptionNames } from "../../src/config/options/service.ts";
import { keyOf, optionNames } from "../../src/config/options.ts";
import { LISTENER_KEYS } from "../../src/config/schema.ts";
import { find } from "../support/packaged_servers.ts";
import { unless } from "../support/unless.ts";

const page = fileManual({ version: "1.2.3", date: new Date(0) });

Deno.test("the manual of the file has every key, as keys and not as flags", () => {
  const terms = [...page.matchAll(/^\.TP\n\\fB(.*?)\\fR$/gm)].map(([, term]) => {
    return term!.replaceAll("\\-", "-").replace(/[=[].*/, "");
  });
  const keys = [
    ...Object.keys(LISTENER_KEYS),
    ...optionNames().map(keyOf),
    ...destinationOptionNames(),
    ...serviceOptionNames(),
    ...execOptionNames(),
  ];
  for (const key of keys) assert(terms.includes(key), key);
  assertStringIncludes(page, "\\fBqueue\\-timeout\\fR\n");
  assertEquals(page.match(/\\fB\\-\\-queue/g), null);
  assertStringIncludes(page, 'Default: "30s".');
  assertStringIncludes(page, "Default: 256.");
  // An empty list of networks has no text that the file would take.
  assertStringIncludes(page, "Default: none.");
});

for (const line of [["mandoc", "-Tlint"], ["man", "--warnings", "-l"]] as const) {
  const [program, ...args] = line;
  Deno.test({
    ...unless(`${program} finds nothing wrong in the manual of the file`, {
      [`there is no ${program}`]: !find(program),
    }),
    fn: async () => {
      const path = await Deno.makeTempFile({ suffix: ".5" });
      await Deno.writeTextFile(path, page);
      const env = { LC_ALL: "C.UTF-8" };
      const { code, stdout, stderr } = await new Deno.Command(program, {
        args: [...args, path],
        env,
      }).output();
      await Deno.remove(path);
      const decoder = new TextDecoder();
      assertEquals([code, decoder.decode(stderr)], [0, ""]);
      if (program === "mandoc") assertEquals(decoder.decode(stdout), "");
    },
  });
}
