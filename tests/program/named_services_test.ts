// Services have no address: those with the same options are told apart by their names.
import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { UsageError } from "../../src/base/errors.ts";
import { readListener } from "../../src/config/config.ts";
import { mergeRepeats } from "../../src/config/repeats.ts";
import { readSettings } from "../../src/config/options.ts";
import { OperationError } from "../../src/operations/operations.ts";
import { listener, start } from "../support/instance.ts";
import { request } from "../support/servers.ts";

const REQUEST = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

type Program = Awaited<ReturnType<typeof start>>;

function of(...destinations: string[]) {
  return listener(destinations, { balance: "round-robin" });
}

/** Who answers so many requests, in order. */
async function answers(program: Program, number: number): Promise<string[]> {
  const names: string[] = [];
  for (let i = 0; i < number; i++) {
    const [, name = ""] = /Hello from (.*), answer/.exec(await request(program.port, REQUEST)) ??
      [];
    names.push(name);
  }
  return names.sort();
}

/** How many sessions each has had. */
async function sessions(program: Program): Promise<Record<string, number>> {
  const all = Object.values(await program.destinations());
  return Object.fromEntries(all.map(({ name, sessions }) => [name, sessions]));
}

Deno.test("services with the same options and other names are two, each with its own counters", async () => {
  await using program = await start(of("service:http,name=a", "service:http,name=b"));
  assertEquals(await answers(program, 4), ["a", "a", "b", "b"]);
  assertEquals(await sessions(program), { a: 2, b: 2 });
  const { a, b } = await program.destinations();
  assertEquals([a!.address, b!.address], ["service:http", "service:http"]);
  // One that an operator adds is another one, too, and one is changed without the others.
  await program.instance.addDestination({ address: "service:http", name: "c" });
  await program.instance.changeDestination(b!.id, { state: "drain" });
  assertEquals(await answers(program, 4), ["a", "a", "c", "c"]);
  // A reload finds each of them again, and the numbers are what they were.
  await program.reload(of("service:http,name=c", "service:http", "service:http,name=a"));
  assertEquals(await sessions(program), { c: 2, "service:http": 0, a: 4 });
  assertEquals((await program.destinations()).a!.id, a!.id);
  assertEquals(await answers(program, 3), ["a", "c", "service:http"]);
});

Deno.test("the same service with the same name, or without one, is the same", async () => {
  const read = (...destinations: string[]) => {
    return readListener({ listen: "8080", destinations, options: {}, rules: [] });
  };
  for (const name of ["", ",name=a"]) {
    const text = `service:http,size=3${name}`;
    assertThrows(
      () => read(text, text),
      UsageError,
      `DESTINATION "${text}": is the same as "${text}"; give each only once`,
    );
  }
  assertThrows(
    () => read("service:http,name=a", "service:echo,name=a"),
    UsageError,
    'is called like "service:http,name=a"; each must have another name',
  );
  const defaults = readSettings({});
  const merged = mergeRepeats(["service:http", "service:http", "service:http,name=a"], defaults);
  assertMatch(merged.notes.join(), /^destination service:http is given 2 times: it is one with /);
  assertEquals(merged.destinations.length, 2);
  await using program = await start(of("service:http", "service:http,name=a"));
  for (const [name, why] of [[undefined, "is the same as"], ["a", "is the same as"]] as const) {
    const one = { address: "service:http", ...name && { name } };
    const adding = () => program.instance.addDestination(one);
    assertMatch((await assertRejects(adding, OperationError)).message, new RegExp(why));
  }
});
