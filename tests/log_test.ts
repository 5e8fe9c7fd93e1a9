import { assertEquals } from "@std/assert";
import { openLogs } from "../src/log.ts";
import { readSettings } from "../src/options.ts";

Deno.test("an access log file is appended to", async () => {
  const path = await Deno.makeTempFile();
  for (const line of ["first", "second"]) {
    const logs = await openLogs(readSettings({ accessLog: path, logLevel: "error" }));
    logs.access!.write(line);
    await logs.close();
  }
  assertEquals(await Deno.readTextFile(path), "first\nsecond\n");
  await Deno.remove(path);
});

Deno.test("without an access log there is no writer for it", async () => {
  const logs = await openLogs(readSettings({ accessLog: "off" }));
  assertEquals(logs.access, undefined);
  await logs.close();
});
