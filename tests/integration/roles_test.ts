import { assertEquals, assertMatch } from "@std/assert";
import { TestFile } from "../support/config_file.ts";
import { Program, runProgram } from "../support/program.ts";
import { echo, freePort, TestServer, until } from "../support/servers.ts";

Deno.test("one who may look looks, and each change is in the log with who has asked", async () => {
  await using server = new TestServer(echo);
  using token = new TestFile("the-token-of-the-operator\n");
  using readToken = new TestFile("the-token-of-those-who-look\n");
  const port = freePort();
  const admin = `127.0.0.1:${freePort()}`;
  using file = new TestFile(`listen = "127.0.0.1:${port}"
    destinations = ["${server.address},name=one"]
    admin = "${admin}"
    admin-token-file = "${token.path}"
    admin-read-token-file = "${readToken.path}"`);
  await using program = await Program.spawn(["--config", file.path]);
  const ctl = (by: TestFile, ...args: string[]) => {
    return runProgram(["ctl", admin, "--token-file", by.path, ...args]);
  };
  using _client = await Deno.connect({ hostname: "127.0.0.1", port });
  await until(
    async () => (await ctl(readToken, "sessions")).stdout.includes("127.0.0.1"),
    "served",
  );
  for (const args of [["drain", "one"], ["end", "1.1"], ["reload"], ["shutdown"]]) {
    const refused = await ctl(readToken, ...args);
    assertEquals(refused.code, 1, args.join(" "));
    assertMatch(refused.stderr, /may only look.*--admin-token-file/, args.join(" "));
  }
  const refused = String.raw`warning.*refused to reader \(127\.0\.0\.1:\d+\): "P\w+ /`;
  await program.logged(new RegExp(`${refused}.*": this token may only look`));
  using wrong = new TestFile("the-token-of-nobody\n");
  assertEquals((await ctl(wrong, "status")).code, 1);
  await program.logged(/warning.*refused to 127\.0\.0\.1:\d+: "GET \/.*": the token is missing or/);
  const by = String.raw`by operator \(127\.0\.0\.1:\d+\): `;
  assertEquals((await ctl(token, "set", "one", "weight=3")).code, 0);
  await program.logged(new RegExp(`${by}destination one: weight 1 → 3`));
  assertEquals((await ctl(token, "end", "1.1")).code, 0);
  await program.logged(new RegExp(`${by}session 1\\.1 ended`));
  assertEquals((await ctl(token, "reload")).code, 0);
  await program.logged(new RegExp(`${by}reload`));
  await program.logged(/reload: destination one: weight 3 → 1/);
  assertEquals((await ctl(token, "shutdown")).code, 0);
  await program.logged(new RegExp(`${by}drain and end`));
  assertEquals(await program.ended(), 0);
});
