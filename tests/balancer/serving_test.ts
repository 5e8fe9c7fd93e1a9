import { assertEquals } from "@std/assert";
import { Panic } from "../../src/balancer/panic.ts";
import { keyOf } from "../../src/balancer/routes/keys.ts";
import { Serving } from "../../src/balancer/serving.ts";
import { Destination } from "../../src/destinations/destination.ts";
import { configOf } from "../support/config.ts";
import { collectedLog } from "../support/logs.ts";

/** Destinations that were tried, and what is told of them. */
function setUp(...texts: string[]) {
  const { log, lines } = collectedLog();
  const serving = new Serving({ panic: new Panic(log) });
  const destinations = configOf(["127.0.0.1:0", ...texts]).destinations.map((config) => {
    const one = new Destination(config, () => 0);
    one.state = "up";
    return one;
  });
  const note = (changed: Iterable<Destination> = destinations) => {
    serving.note(changed, ({ enabled }) => enabled);
    return lines.splice(0);
  };
  assertEquals(note(), []);
  return {
    ...{ serving, destinations, note },
    /** Its check fails, or it cannot be connected. */
    fail(index: number, { onlyCheckFails = true } = {}) {
      Object.assign(destinations[index]!, { state: "down", onlyCheckFails });
      return note([destinations[index]!]);
    },
    recover(index: number) {
      Object.assign(destinations[index]!, { state: "up", onlyCheckFails: false });
      return note([destinations[index]!]);
    },
  };
}

Deno.test("that sessions go to who fails its check is told once, and when that is over", () => {
  const { fail, recover } = setUp("9001,name=one", "9002,name=two", "9003,name=three,backup");
  assertEquals(fail(0), []);
  assertEquals(fail(1), []);
  const tried = "panic: every destination is down, sessions go to one, two all the same";
  assertEquals(fail(2), [tried]);
  assertEquals(recover(2), ["the panic is over"]);
  assertEquals(fail(2, { onlyCheckFails: false }), [tried]);
  assertEquals(fail(0, { onlyCheckFails: false }), []);
  assertEquals(fail(1, { onlyCheckFails: false }), ["the panic is over"]);
});

Deno.test("where clients are told apart by names that is told for each name", () => {
  const { destinations, serving, fail, recover, note } = setUp(
    ...["9001,name=one,sni=a.example|b.example,alpn=h2", "9002,name=two,sni=b.example,alpn=h2"],
    "9003,name=rest",
  );
  assertEquals(fail(0), [
    "panic: every destination for a.example h2 is down, sessions go to one all the same",
  ]);
  assertEquals(destinations.map((one) => serving.isMissed(one)), [true, false, false]);
  assertEquals(fail(1), [
    "panic: every destination for b.example h2 is down, sessions go to one, two all the same",
  ]);
  assertEquals(fail(2), [
    "panic: every destination for * is down, sessions go to rest all the same",
  ]);
  assertEquals(recover(0), ["the panic is over for a.example h2, b.example h2"]);
  destinations[2]!.admin = "drain";
  assertEquals(note(), ["the panic is over for *"]);
});

Deno.test("a change of one matters for those alone who serve the same clients", () => {
  const { serving, destinations } = setUp(
    "9001,sni=a.example",
    "9002,sni=a.example,backup",
    "9003,sni=b.example",
  );
  const [one, other] = destinations;
  const note = () => serving.note([one!], ({ enabled }) => enabled);
  one!.state = "down";
  assertEquals(new Set(note()), new Set([one, other]));
  one!.state = "up";
  note();
  assertEquals(note().size, 0);
});

Deno.test("the members of a name are those that are enabled and have it now", () => {
  const { destinations: [one, two], serving, fail, note } = setUp(
    ...["9001,name=one,sni=a.example|b.example", "9002,name=two,sni=a.example"],
  );
  const members = (name: string) => [...serving.members(keyOf(name, ""))].map(({ name }) => name);
  fail(0);
  assertEquals([members("a.example"), members("b.example")], [["one", "two"], ["one"]]);
  two!.admin = "drain";
  note();
  assertEquals(members("a.example"), ["one"]);
  one!.config = { ...one!.config, sni: ["c.example"] };
  note();
  assertEquals([members("a.example"), members("b.example")], [[], []]);
  assertEquals(members("c.example"), ["one"]);
});
