import { assert, assertEquals } from "@std/assert";
import { fc } from "../support/properties.ts";
import { addWords, UNREPORTED } from "../../src/destinations/agent_report.ts";
import { Share } from "../../src/destinations/share.ts";
import { type AgentWords, readAgentLine } from "../../src/destinations/agent_words.ts";

const ALONE = { index: 0, number: 1 };

/** The weight of a destination after these lines. */
function weightAfter(configured: number, lines: string[]): number {
  const share = new Share(() => ({ weight: configured, workers: 10 }), () => 0);
  share.report = after(...lines);
  return share.weight;
}

/** What is known of a server after these lines. */
function after(...lines: string[]) {
  return lines.reduce(
    (report, line) => addWords(report, { words: readAgentLine(line), position: ALONE }),
    UNREPORTED,
  );
}

Deno.test("an agent's line is read as HAProxy reads it", () => {
  const percent = (value: number) => ({ weight: { value, unit: "%" } } as const);
  const cases: Record<string, AgentWords> = {
    "": {},
    " \t,,": {},
    "75%": percent(75),
    "0%": percent(0),
    "007%": percent(7),
    "150%": percent(150),
    "99999999999999999999999999%": percent(25_600),
    "weight:50%": percent(50),
    "weight:10": { weight: { value: 10, unit: "" } },
    "Weight:256": { weight: { value: 256, unit: "" } },
    "maxconn:30": { maxconn: 30 },
    "MAXCONN:+30": { maxconn: 30 },
    "maxconn:0": { maxconn: 0 },
    "maxconn:99999999999999999999": { maxconn: 1_000_000 },
    drain: { admin: "drain" },
    Maint: { admin: "maint" },
    "ready,up": { admin: "ready", health: "up", reason: "" },
    "\tup\t75%,maxconn:30 drain ": {
      ...percent(75),
      maxconn: 30,
      admin: "drain",
      health: "up",
      reason: "",
    },
    "down #  the disk is full, #1": { health: "down", reason: "the disk is full, #1" },
    "fail#now": { problem: "fail#now" },
    "stopped #": { health: "stopped", reason: "" },
    "drain #nobody reads this": { admin: "drain" },
    "#down": {},
    "down up drain ready 10% 20%": {
      ...percent(20),
      admin: "ready",
      health: "up",
      reason: "",
    },
  };
  for (const [line, words] of Object.entries(cases)) assertEquals(readAgentLine(line), words, line);
});

Deno.test("a word that means nothing changes nothing, and the others count all the same", () => {
  const cases: Record<string, AgentWords> = {
    "weight:257": { problem: "weight:257" },
    "weight:": { problem: "weight:" },
    "weight:-1": { problem: "weight:-1" },
    "75%%": { problem: "75%%" },
    "7 5%": { weight: { value: 5, unit: "%" }, problem: "7" },
    "7.5%": { problem: "7.5%" },
    "%": { problem: "%" },
    "-5%": { problem: "-5%" },
    "maxconn:": { problem: "maxconn:" },
    "maxconn:-1": { problem: "maxconn:-1" },
    "maxconn: 30": { problem: "30" },
    "maxconn:3x": { problem: "maxconn:3x" },
    "50% 3x%": { problem: "3x%" },
    "HTTP/1.1 400 Bad Request": { problem: "HTTP/1.1" },
    "drain, bogus 50%": { weight: { value: 50, unit: "%" }, admin: "drain", problem: "bogus" },
    "\x1b[31m\xff": { problem: "?[31m?" },
    ["x".repeat(1000)]: { problem: `${"x".repeat(37)}...` },
  };
  for (const [line, words] of Object.entries(cases)) assertEquals(readAgentLine(line), words, line);
});

Deno.test("what an answer does not mention stays as it was said before", () => {
  const report = after("75%", "maxconn:30 drain", "down #disk", "40%");
  assertEquals(report.text, "40% maxconn:30 drain down #disk");
  assertEquals([report.admin, report.down, report.slots], ["drain", true, 30]);
  const ready = after("75%", "maxconn:30 drain", "down #disk", "ready up", "maxconn:0");
  assertEquals(ready.text, "75% maxconn:0 ready up");
  assertEquals([ready.admin, ready.down, ready.slots], ["ready", false, undefined]);
  const before = after("75% up");
  const same = addWords(before, { words: readAgentLine("up, 75% nonsense"), position: ALONE });
  assert(same === before, "nothing new is the same report");
});

Deno.test("the weight is so many percent of the configured one, never rounded down to nothing", () => {
  const weight = (configured: number, ...lines: string[]) => {
    return weightAfter(configured, lines);
  };
  assertEquals(weight(100), 100);
  assertEquals(weight(100, "75%"), 75);
  assertEquals(weight(1, "75%"), 0.75);
  assertEquals(weight(1, "1%"), 1 / 64);
  assertEquals(weight(1, "0%"), 0);
  assertEquals(weight(10, "weight:7"), 7);
  assertEquals(weight(200, "150%"), 256);
  assertEquals(weight(0, "weight:7"), 0);
  assertEquals(weight(0, "200%"), 0);
});

Deno.test("the slots of several threads add up to what the agent allows, one each at the least", () => {
  for (const [maxconn, number, sum] of [[30, 4, 30], [31, 4, 31], [4, 4, 4], [1, 4, 4]]) {
    let slots = 0;
    for (let index = 0; index < number!; index++) {
      const words = readAgentLine(`maxconn:${maxconn}`);
      slots += addWords(UNREPORTED, { words, position: { index, number: number! } }).slots!;
    }
    assertEquals(slots, sum);
  }
});

Deno.test("any line is read, whatever it says, and what is made of it stays within bounds", () => {
  const pieces = [
    ..."up down fail stopped ready drain maint maxconn: weight: % # 75% 1e9 - + 0x".split(" "),
    ...[" ", "\t", ",", "#"],
  ];
  const line = fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...pieces) },
      { weight: 1, arbitrary: fc.nat().map(String) },
      { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 20 }) },
    ),
    { maxLength: 200 },
  ).map((parts) => parts.join(""));
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 4 }),
      fc.integer({ min: 0, max: 256 }),
      (lines, own) => {
        const report = after(...lines);
        const weight = weightAfter(own, lines);
        assert(weight >= 0 && weight <= 256 && Number.isInteger(weight * 64), `weight ${weight}`);
        const { slots } = report;
        assert(
          slots === undefined || (Number.isInteger(slots) && slots >= 1 && slots <= 1_000_000),
        );
        assert(/^[ -~]{0,200}$/.test(report.text), report.text);
        assert(/^[ -~]{0,40}$/.test(readAgentLine(lines.join("")).problem ?? ""));
        // What is shown says the same again.
        assertEquals(after(report.text).text, report.text);
      },
    ),
    { numRuns: 3000 },
  );
});
