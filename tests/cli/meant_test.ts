import { assertEquals, assertRejects } from "@std/assert";
import { UsageError } from "../../src/base/errors.ts";
import { parseCommand } from "../../src/cli/command.ts";

const HINTS: Readonly<Record<string, string>> = {
  "-v": '"-v": no such option; it is --version (-V); --log-level debug says more while it runs',
  "8080 9001 --verbose": '"--verbose": no such option; it is --log-level debug',
  "-c a.toml": '"-c": no such option; it is --config FILE',
  "-p 8080": '"-p": no such option; the first address is LISTEN, as in iawlb 8080 9001 9002',
  "-z": '"-z": no such option; of one letter there are -h, -i and -V',
  "status": '"status": no such command; it is iawlb ctl status',
  "drain db1": '"drain": no such command; it is iawlb ctl drain',
  "toop 9090": '"toop": no such command; the nearest is iawlb top',
  "inti": '"inti": no such command; the nearest is iawlb init',
  "clt status": '"clt": no such command; the nearest is iawlb ctl',
  "ctrl status": '"ctrl": no such command; the nearest is iawlb ctl',
  "statu": '"statu": no such command; the nearest is iawlb ctl status',
  "version": '"version": no such command; it is iawlb --version',
  "check a.toml": '"check": no such command; it is iawlb --config FILE --check-config',
  "stop": '"stop": no such command; it is iawlb ctl shutdown',
  "a.toml": '"a.toml": a file is given as in iawlb --config a.toml',
  "8080 http://localhost:9001": 'DESTINATION "http://localhost:9001": must be HOST:PORT without ' +
    "http://, such as localhost:9001",
  "http://[::1]/x 9001": 'LISTEN "http://[::1]/x": must be HOST:PORT without http://, such as ' +
    "[::1]:80",
  "8080 tcp://db": 'DESTINATION "tcp://db": must be HOST:PORT without tcp://',
};

for (const [line, hint] of Object.entries(HINTS)) {
  Deno.test(`what was meant by "${line}" is said`, async () => {
    const error = await assertRejects(() => parseCommand(line.split(" ")), UsageError);
    assertEquals(error.message, hint);
  });
}

Deno.test("a word that is the name of a service is an address", async () => {
  const { kind } = await parseCommand(["http", "9001"]);
  assertEquals(kind, "serve");
});
