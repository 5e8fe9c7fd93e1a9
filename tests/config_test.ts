import { assertEquals, assertThrows } from "@std/assert";
import { readConfig } from "../src/config.ts";
import { UsageError } from "../src/errors.ts";
import { readSettings } from "../src/options.ts";

const settings = readSettings({});

function readDestinations(...texts: string[]) {
  return readConfig(["8080", ...texts], settings).destinations;
}

Deno.test("a destination has the default number of workers unless it says otherwise", () => {
  const [plain, special] = readDestinations("9001", "[::1]:9002,workers=4,weight=2,backup");
  assertEquals(plain, {
    address: { transport: "tcp", hostname: undefined, port: 9001 },
    name: "9001",
    workers: 256,
    weight: 1,
    backup: false,
  });
  assertEquals([special!.name, special!.workers, special!.weight], ["[::1]:9002", 4, 2]);
  assertEquals(special!.backup, true);
});

Deno.test("a destination's options are checked", () => {
  const problems = {
    "9001,": 'unknown option ""',
    "9001,slow": 'unknown option "slow"',
    "9001,backup=yes": 'unknown option "backup=yes"',
    "9001,workers": 'unknown option "workers"',
    "9001,workers=": 'workers "" must be a whole number from 1',
    "9001,weight=257": 'weight "257" must be a whole number from 1 to 256',
    "9001,weight=1,weight=2": "has weight twice",
    "9001,backup,backup": "has backup twice",
    "9001,__proto__=1": 'unknown option "__proto__=1"',
  };
  for (const [text, problem] of Object.entries(problems)) {
    assertThrows(() => readDestinations(text), UsageError, problem);
  }
});

Deno.test("a destination can be given only once, however it is written", () => {
  const pairs = [["9001", "localhost:9001"], ["[::1]:1", "[0::1]:1"], ["a:1", "A:1"]];
  for (const pair of pairs) assertThrows(() => readDestinations(...pair), UsageError, "same as");
  assertThrows(() => readDestinations("9001", "9001,workers=2"), UsageError, "same as");
  assertEquals(readDestinations("9001", "127.0.0.1:9001").length, 2);
});

Deno.test("a destination cannot be the listen address itself", () => {
  const loops = [
    ["8080", "8080"],
    ["8080", "127.0.0.1:8080"],
    ["0.0.0.0:8080", "localhost:8080"],
    ["127.0.0.1:8080", "8080"],
    ["unix:/a", "unix:/a"],
  ];
  for (const loop of loops) {
    assertThrows(() => readConfig(loop, settings), UsageError, "connect to itself");
  }
  for (const fine of [["8080", "10.0.0.7:8080"], ["10.0.0.7:8080", "8080"], ["0", "8080"]]) {
    assertEquals(readConfig(fine, settings).destinations.length, 1);
  }
});
