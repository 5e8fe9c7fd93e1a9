import { assert, assertEquals } from "@std/assert";
import { destinationInForce, listenerInForce, programInForce } from "../../src/config/in_force.ts";
import { optionTextsOf } from "../../src/config/destination_text.ts";
import { settingsInForce } from "../../src/config/differences.ts";
import { keyOf, optionNames, readSettings, rowOf } from "../../src/config/options.ts";
import { configOf } from "../support/config.ts";

/** What is in force of a listener, its values alone. */
function valuesOf(...args: Parameters<typeof configOf>): Record<string, string> {
  const entries = Object.entries(listenerInForce(configOf(...args)));
  return Object.fromEntries(entries.map(([key, { value }]) => [key, value]));
}

Deno.test("what is in force has every option by its key, as one would write it", () => {
  const config = configOf(["8080", "9001"], { queueTimeout: "90s", hashMask: "24,48" });
  const entries = listenerInForce(config);
  const keys = optionNames("listener").map(keyOf);
  assertEquals(Object.keys(entries).toSorted(), keys.toSorted());
  assertEquals(entries["queue-timeout"], { value: "90s", given: true });
  assertEquals(entries["hash-mask"], { value: "24,48", given: true });
  assertEquals(entries["connect-timeout"], { value: "5s", given: false });
  const program = programInForce(readSettings({}), {});
  assertEquals(Object.keys(program), optionNames("program").map(keyOf));
  assertEquals(program.admin, { value: "off", given: false });
});

Deno.test("what counts stands in the place of 0", () => {
  const none = { halfCloseTimeout: "0", idleTimeout: "7m", sessionTimeout: "0", checkTimeout: "0" };
  const values = valuesOf(["8080", "9001"], none);
  assertEquals(values["half-close-timeout"], "7m");
  assertEquals([values["session-timeout"], values["check-timeout"]], ["none", "5s"]);
  assertEquals([values.fall, values.rise, values["max-per-ip"]], ["1", "1", "none"]);
  assertEquals(valuesOf(["8080", "9001"], { check: "tcp" }).fall, "3");
  assertEquals(valuesOf(["8080", "9001", "9002,check=tcp"]).rise, "1, with a check 2");
  assertEquals(valuesOf(["8080", "9001"], { fall: "4" }).fall, "4");
  assertEquals(
    valuesOf(["udp:8080", "udp:9001"], { udpRequestTimeout: "0" })["udp-request-timeout"],
    "30s",
  );
  assertEquals(valuesOf(["8080", "9001"], { retries: "0" }).retries, "0");
});

Deno.test("no option shows a 0 that means something else", () => {
  const own = ["halfCloseTimeout", "udpRequestTimeout", "fall", "rise"];
  for (const name of optionNames()) {
    const { help, zero } = rowOf(name);
    if (/\b0 = /.test(help) && !own.includes(name)) assert(zero, name);
  }
});

Deno.test("networks are shown in their order, and not all of very many", () => {
  const values = valuesOf(["8080", "9001"], { allow: "10.0.0.0/8", deny: "::/0" });
  assertEquals([values.allow, values.deny], ["10.0.0.0/8", "::/0"]);
  const many = Array.from({ length: 150 }, (_, i) => `10.0.${i}.0/24`).join(",");
  assert(valuesOf(["8080", "9001"], { allow: many }).allow!.endsWith("10.0.99.0/24 and 50 more"));
});

Deno.test("a destination has its own options, the listener's, and what goes without saying", () => {
  const config = configOf(["8080", "9001,weight=3,tls,name=a", "service:http,delay=1s"], {
    workers: "7",
  });
  const [first, second] = config.configured.map((one, i) => {
    const texts = optionTextsOf(config.texts.destinations[i]!);
    return destinationInForce(one, { id: `1.${i + 1}`, texts });
  });
  assertEquals([first!.id, first!.name, first!.address], ["1.1", "a", "9001"]);
  assertEquals(first!.options.weight, { value: "3", given: true });
  assertEquals(first!.options.workers, { value: "7", given: false });
  assertEquals(first!.options["tls-name"], { value: "localhost", given: false });
  assertEquals(second!.options.delay, { value: "1s", given: true });
  assertEquals(second!.options.jitter, { value: "none", given: false });
});

Deno.test("a value that counts only after a restart is not in force, nor given", () => {
  const before = configOf(["8080", "9001"]);
  const after = configOf(["8080", "9001"], { backlog: "7", queue: "9" });
  const { backlog, queue } = listenerInForce(settingsInForce({ before, after }));
  assertEquals(backlog, { value: "511", given: false });
  assertEquals(queue, { value: "9", given: true });
  const back = listenerInForce(settingsInForce({ before: after, after: before }));
  assertEquals(back.backlog, { value: "7", given: true });
});
