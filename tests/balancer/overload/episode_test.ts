import { assert, assertEquals } from "@std/assert";
import { Episode } from "../../../src/balancer/overload/episode.ts";
import type { WhenOverloaded } from "../../../src/balancer/overload/relief.ts";
import { collectedLog } from "../../support/logs.ts";
import { overrun, Place } from "../../support/overloaded.ts";

const BEGIN = "an overload has begun, more comes than is served: who waits in vain is shed " +
  "(--when-overloaded shed)";

function setUp(mode: WhenOverloaded = "shed") {
  const { log, lines } = collectedLog();
  const time = { now: 0 };
  const episode = new Episode({ clock: () => time.now, log, mode: () => mode });
  return {
    episode,
    time,
    lines,
    /** Time goes by in which it is looked four times a second. */
    pass(ms: number, acts: boolean) {
      for (const end = time.now + ms; time.now < end; time.now += 250) episode.look(acts);
    },
  };
}

Deno.test("the log says once that an overload has begun, and once that it is over", () => {
  const { episode, lines, pass } = setUp();
  pass(10_000, false);
  assertEquals(lines, []);
  pass(1000, true);
  for (let i = 0; i < 100; i++) episode.noteShed();
  pass(59_250, true);
  assertEquals(lines, [BEGIN]);
  pass(20_000, false);
  assertEquals(lines, [BEGIN, "an overload is over after 60 s: 100 shed"]);
});

Deno.test("overloads with short breaks between them are one, however many there are", () => {
  const { lines, pass } = setUp();
  for (let i = 0; i < 100; i++) {
    pass(250, true);
    pass(4000, false);
  }
  assertEquals(lines.length, 1);
  pass(2000, false);
  assertEquals(lines.length, 2);
  pass(250, true);
  assertEquals(lines.length, 3);
});

Deno.test("a session that is shed begins one, and each counts its own", () => {
  const { episode, lines, pass } = setUp();
  for (let i = 1; i <= 2; i++) {
    for (let shed = 0; shed < i; shed++) episode.noteShed();
    pass(6000, false);
  }
  assertEquals(lines.filter((line) => line.includes("over after")), [
    "an overload is over after 0 s: 1 shed",
    "an overload is over after 0 s: 2 shed",
  ]);
});

Deno.test("with newest the log says what is done then", () => {
  const { lines, pass } = setUp("newest");
  pass(250, true);
  assert(lines[0]!.endsWith("the newest are served first (--when-overloaded newest)"), lines[0]);
});

Deno.test("an overload that goes on is told as over with its queue, and one that a reload ends soon after", async () => {
  for (const how of ["close", "hold"] as const) {
    const place = new Place("shed");
    await place.teach();
    await overrun(place);
    place.overload.look();
    const shed = place.ended.length;
    if (how === "close") place.overload.close();
    else {
      place.settings.whenOverloaded = "hold";
      place.now += 5000;
      place.overload.look();
    }
    const ends = place.lines.filter((line) => line.startsWith("an overload is over"));
    assertEquals(ends.length, 1, place.lines.join("\n"));
    assert(ends[0]!.endsWith(` s: ${shed} shed`), ends[0]);
    place.overload.close();
    assertEquals(place.lines.filter((line) => line.includes(" is over ")).length, 1);
  }
});
