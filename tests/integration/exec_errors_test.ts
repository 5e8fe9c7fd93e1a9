import { assert, assertEquals } from "@std/assert";
import { Program } from "../support/program.ts";
import { request, until } from "../support/servers.ts";

Deno.test("standard error is told line by line with the session, and not without limit", async () => {
  const few = "echo one >&2; printf 'two\\033[31m\\n\\nthree' >&2";
  const many = "i=0; while [ $i -lt 5000 ]; do echo line $i >&2; i=$((i+1)); done";
  await using program = await Program.start([`exec:/bin/sh -c "read -r x; eval \\"\\$x\\""`]);
  await request(program.port, `${few}\n`);
  const told = () => program.log.map((line) => JSON.parse(line)).filter(({ line }) => line);
  await until(() => told().length === 3, "three lines are told");
  assertEquals(told().map(({ id, line }) => [id, line]), [
    ["1.1", "one"],
    ["1.1", "two\\u{1b}[31m"],
    ["1.1", "three"],
  ]);
  await request(program.port, `${many}\n`);
  await program.entries(2);
  const lines = told().filter(({ id }) => id === "1.2");
  assert(lines.length > 0 && lines.length < 200, `${lines.length}`);
  await until(async () => {
    await request(program.port, "echo more >&2\n");
    return program.log.some((line) => /further lines? of its standard error left out/.test(line));
  }, "what is left out is told");
  assertEquals(await program.terminate(), 0);
});
