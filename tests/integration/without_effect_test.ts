import { assertEquals } from "@std/assert";
import { TestFile } from "../support/config_file.ts";
import { Program, runProgram } from "../support/program.ts";
import { freePort, until } from "../support/servers.ts";

const FAIR = "fair-mask has no effect without queue-order fair";
const SHED = "shed-target has no effect without when-overloaded shed or newest";

Deno.test("--check-config warns of what has no effect, and the configuration is fine", async () => {
  const args = ["--shed-target", "1s", "--check-config", "8080", "9001"];
  assertEquals(await runProgram(args), {
    code: 0,
    stdout: "the command line is fine: 1 listener, 1 destination\n",
    stderr:
      "iawlb: warning: --shed-target has no effect without --when-overloaded shed or newest\n",
  });
});

Deno.test("the log warns once of what has no effect, at the start and at the reload that brings it", async () => {
  const write = (...lines: string[]) =>
    [
      'log-format = "json"',
      `listen = "127.0.0.1:${port}"`,
      'destinations = ["127.0.0.1:9"]',
      ...lines,
    ].join("\n");
  const port = freePort();
  using file = new TestFile(write('fair-mask = "24,48"'));
  await using program = await Program.spawn(["--config", file.path]);
  const warned = () =>
    program.log.filter((line) => line.includes("has no effect")).map((line) => {
      const { level, warning } = JSON.parse(line);
      return `${level}: ${warning}`.replace(file.path, "FILE");
    });
  const reload = async (...lines: string[]) => {
    const count = () => program.log.filter((line) => line.includes("reload: ")).length;
    const before = count();
    file.write(write(...lines));
    program.signal("SIGHUP");
    await until(() => count() > before, "it has reloaded");
  };
  assertEquals(warned(), [`warning: FILE:4: ${FAIR}`]);
  await reload('fair-mask = "24,48"', "queue = 9");
  assertEquals(warned().length, 1);
  await reload('fair-mask = "24,48"', 'shed-target = "1s"');
  await until(() => warned().length === 2, "it has warned of the other one");
  assertEquals(warned()[1], `warning: FILE:5: ${SHED}`);
  await reload('fair-mask = "24,48"', 'shed-target = "1s"', 'when-overloaded = "shed"');
  assertEquals(await program.terminate(), 0);
  assertEquals(warned().length, 2);
});
