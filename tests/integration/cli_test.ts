import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { runProgram } from "../support/program.ts";

const BAD_COMMAND_LINES: { args: string[]; message: string }[] = [
  { args: [], message: "LISTEN is missing" },
  { args: ["8080"], message: "DESTINATION is missing" },
  { args: ["0", "70000"], message: 'DESTINATION "70000": must be PORT' },
  { args: ["0", "0"], message: 'DESTINATION "0": must be PORT' },
  { args: ["x:y", "9001"], message: 'LISTEN "x:y": has the port "y", but /etc/services has no' },
  { args: ["::1:80", "9001"], message: "brackets around an IPv6 address" },
  { args: ["1.2.3:80", "9001"], message: "four numbers" },
  { args: ["unix:relative", "9001"], message: "absolute path" },
  {
    args: ["0", "9001", "9001,workers=2"],
    message: 'DESTINATION "9001,workers=2": is the same as "9001" with other options',
  },
  { args: ["8080", "8080"], message: "is the LISTEN address" },
  { args: ["--workers", "0", "0", "9001"], message: '--workers "0": must be a whole number' },
  { args: ["--workers", "many", "0", "9001"], message: '--workers "many"' },
  { args: ["--workers=", "0", "9001"], message: '--workers ""' },
  { args: ["--queue", "-5", "0", "9001"], message: '--queue "-5"' },
  {
    args: ["--queue-timeout", "5", "0", "9001"],
    message: '--queue-timeout "5": must be a number with a unit',
  },
  { args: ["--idle-timeout", "5 s", "0", "9001"], message: '--idle-timeout "5 s"' },
  { args: ["--batch-delay", "1h", "0", "9001"], message: "from 0 to 1s" },
  { args: ["--log-level", "loud", "0", "9001"], message: "one of debug, info, warning, error" },
  { args: ["--log-format", "xml", "0", "9001"], message: "one of text, json" },
  { args: ["--quue", "5", "0", "9001"], message: "the nearest is --queue" },
  { args: ["--no-demo"], message: '"--no-demo": no such option' },
  { args: ["--demo", "8080"], message: "--demo takes no addresses" },
  { args: ["--help=1"], message: "--help takes no value" },
  { args: ["0", "9001,workers=0"], message: 'workers "0" must be a whole number' },
  { args: ["0", "9001,colour=red"], message: 'unknown option "colour=red"' },
  { args: ["0", "9001,workers=1,workers=2"], message: "workers twice" },
];

for (const { args, message } of BAD_COMMAND_LINES) {
  Deno.test(`"iawlb ${args.join(" ")}" exits 2 with one line`, async () => {
    const { code, stdout, stderr } = await runProgram(args);
    assertEquals(code, 2);
    assertEquals(stdout, "");
    assertMatch(stderr, /^iawlb: [^\n]+\n$/);
    assertStringIncludes(stderr, message);
  });
}

Deno.test("a port in use exits 1 with one line", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { code, stderr } = await runProgram([`127.0.0.1:${taken.addr.port}`, "9001"]);
  assertEquals(code, 1);
  assertMatch(stderr, /^iawlb: Cannot listen on 127.0.0.1:\d+: the address is in use[^\n]*\n$/);
});

Deno.test("an access log that cannot be opened exits 1 with one line", async () => {
  const { code, stderr } = await runProgram(["--access-log", "/nowhere/log", "0", "9001"]);
  assertEquals(code, 1);
  assertMatch(stderr, /^iawlb: Cannot open the access log "\/nowhere\/log": [^\n]+\n$/);
});

Deno.test("--help explains every option on standard output", async () => {
  const { code, stdout, stderr } = await runProgram(["--help"]);
  assertEquals([code, stderr], [0, ""]);
  assertStringIncludes(stdout, "iawlb [OPTIONS] LISTEN DESTINATION [DESTINATION ...]");
  assertStringIncludes(stdout, "--drain-timeout TIME  (30s)");
  assertEquals((await runProgram(["help"])).stdout, stdout);
  for (const name of ["serve", "inetd", "send", "top", "ctl"]) {
    const help = await runProgram(["help", name]);
    assertEquals([help.code, help.stderr], [0, ""], name);
    assertStringIncludes(help.stdout, `iawlb ${name}: `);
  }
});

Deno.test("--version names the version", async () => {
  const { code, stdout } = await runProgram(["--version"]);
  assertEquals(code, 0);
  assertMatch(stdout, /^iawlb \d+\.\d+\.\d+\n$/);
});
