import { assertEquals, assertThrows } from "@std/assert";
import { FatalError } from "../../src/base/errors.ts";
import { paint } from "../../src/client/drawing.ts";
import { statusLines } from "../../src/client/tables.ts";
import { findDestination, partsOf } from "../../src/client/target.ts";
import { drawFrame } from "../../src/client/view.ts";
import type { NameStatus } from "../../src/operations/name_status.ts";
import { destinationOf, listenerOf, statusOf } from "../support/statuses.ts";

/** A name that was answered a moment ago. */
function nameOf(different: Partial<NameStatus>): NameStatus {
  return {
    id: "1.1",
    name: "web",
    address: "dns:web.example:80",
    admin: "ready",
    records: 2,
    failures: 0,
    last_error: "",
    age_ms: 2000,
    ...different,
  };
}

function record(id: string, name: string, different = {}) {
  return destinationOf({ id, name, address: name.split("@")[1]!, source: "web", ...different });
}

/** Two listeners with a name each, of which the first has a record that leaves. */
const STATUS = statusOf({
  listeners: [
    listenerOf({
      names: [nameOf({})],
      destinations: [
        record("1.2", "web@10.0.0.1:80", { active: 2 }),
        record("1.3", "web@10.0.0.2:80", { active: 3, leaving: true }),
        destinationOf({ id: "1.4", name: "10.0.0.9:80" }),
      ],
    }),
    listenerOf({
      ...{ id: 2, name: "8081" },
      names: [
        nameOf({ id: "2.1", name: "app", address: "srv:_app._tcp", records: 0, age_ms: null }),
      ],
      destinations: [destinationOf({ id: "2.2", name: "web" })],
    }),
  ],
});

Deno.test("a name is meant by what it is called, what is looked up, and its id", () => {
  for (const text of ["1.1", "dns:web.example:80", "1/web", "8080/web"]) {
    const { id, name, active } = findDestination(STATUS, text);
    assertEquals([id, name, active], ["1.1", "web", 5], text);
  }
  assertEquals(findDestination(STATUS, "web@10.0.0.1:80").id, "1.2");
  assertEquals(findDestination(STATUS, "10.0.0.2:80").id, "1.3");
  assertEquals(findDestination(STATUS, "app").id, "2.1");
  assertThrows(() => findDestination(STATUS, "web"), FatalError, '"web" is more than one');
});

Deno.test("a name consists of its records, also those that leave, and of no namesake elsewhere", () => {
  const parts = (id: string, name: string) => partsOf(STATUS, { id, name }).map(({ id }) => id);
  assertEquals(parts("1.1", "web"), ["1.2", "1.3"]);
  assertEquals(parts("1.2", "web@10.0.0.1:80"), ["1.2"]);
  assertEquals(parts("2.2", "web"), ["2.2"]);
  assertEquals(parts("2.1", "app"), []);
});

Deno.test("ctl status tells of each name what it leads to and what was wrong", () => {
  const failing = { failures: 3, last_error: "no answer\nwithin 2 s", admin: "drain" } as const;
  const status = statusOf({
    listeners: [
      listenerOf({ names: [nameOf({}), nameOf({ id: "1.9", ...failing, age_ms: null })] }),
    ],
  });
  const lines = statusLines(status).filter((line) => line.includes("dns:"));
  assertEquals(lines, [
    "  1.1 web (dns:web.example:80): 2 records, answered 2.0 s ago",
    "  1.9 web (dns:web.example:80): 2 records, drain, never answered in full, 3 failures, " +
    "the latest look-up: no answer?within 2 s",
  ]);
});

Deno.test("top tells of names that are in trouble alone", () => {
  const names = [nameOf({}), nameOf({ name: "app", last_error: "no such name" })];
  const options = { columns: 120, rows: Infinity, offset: 0, sort: "configured" } as const;
  const frame = drawFrame(statusOf({ listeners: [listenerOf({ names })] }), undefined, {
    ...options,
    paused: false,
  });
  const lines = frame.lines.map((line) => paint(line, { colors: false }));
  assertEquals(lines.filter((line) => line.includes("dns:")), [
    "  app (dns:web.example:80): 2 records, answered 2.0 s ago, the latest look-up: no such name",
  ]);
});

Deno.test("a program that does not tell names yet is shown and changed as before", () => {
  const { names: _, ...older } = listenerOf({});
  const status = statusOf({ listeners: [older as never] });
  assertEquals(findDestination(status, "9002").id, "1.2");
  assertEquals(statusLines(status).some((line) => line.includes("9002")), true);
});
