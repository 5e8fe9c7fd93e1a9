import { assertEquals } from "@std/assert";
import { whatDrainDoes } from "../../src/admin/dashboard/page/actions.js";
import { gistOf, groupsOf, ownOptions } from "../../src/admin/dashboard/page/config_facts.js";
import {
  consequenceOf,
  found,
  notesOf,
  serviceDetail,
  sharedOf,
  sorted,
  stateAge,
} from "../../src/admin/dashboard/page/destination_facts.js";
import { endsOf, endTone, notLately, percent } from "../../src/admin/dashboard/page/ended_facts.js";
import { brief } from "../../src/admin/dashboard/page/format.js";
import { errorOf } from "../../src/admin/dashboard/page/last_error.js";
import { Flow } from "../../src/admin/dashboard/page/flow.js";
import { END_REASONS } from "../../src/operations/end_reasons.ts";
import { configInForceOf } from "../support/config_in_force.ts";
import { destination, listener, status } from "../support/fake_page_admin.ts";

const REFUSED = { text: "10.0.0.1:9000: Connection refused (os error 111)", age_ms: 400 };

Deno.test("a destination tells its error, its check, and what it still has to finish", () => {
  const one = destination("0.1");
  assertEquals(notesOf(one), "");
  const check = { ok: true, age_ms: 900, took_ms: 1.5 };
  assertEquals(notesOf({ ...one, last_check: check }), "check passed in 1.50 ms");
  assertEquals(
    notesOf({ ...one, last_error: { ...REFUSED, age_ms: 240_000 } }),
    "last error 4 min ago: connection refused",
  );
  const late = { ok: false, age_ms: 90_000, took_ms: 2 };
  assertEquals(
    notesOf({ ...one, state: "down", last_error: REFUSED, last_check: late }),
    "connection refused · probe failed 1 min ago in 2.00 ms",
  );
  assertEquals(notesOf({ ...one, state: "drain", active: 3 }), "3 sessions to finish");
  assertEquals(notesOf({ ...one, leaving: true }), "no session left");
});

Deno.test("how long a destination is down is told to the second, how long it is up is not", () => {
  const of = (state: "up" | "down", state_age_ms: number) =>
    stateAge(destination("0.1", { state, state_age_ms }));
  assertEquals([of("up", 82_000), of("down", 82_000)], ["1 min", "1 min 22 s"]);
  assertEquals([of("up", 9_999), of("down", 700_000)], ["9 s", "11 min"]);
});

Deno.test("the choice that is made says why it does not show", () => {
  const down = destination("0.1", { state: "down" });
  assertEquals(serviceDetail(down, "ready"), "takes sessions while it is healthy; it is down now");
  assertEquals(serviceDetail(down, "drain"), "finishes its sessions and takes no new ones");
});

Deno.test("what long names have in common is known, and no number is cut", () => {
  const names = [1, 12, 13].map((n) => `checkout-eu-west-${n}.shop.internal:9000`);
  const { head, tail } = sharedOf(names);
  assertEquals(names[1]!.slice(head, -tail), "12");
  assertEquals(sharedOf(["10.0.0.1:9000", "10.0.0.2:9000"]), { head: 0, tail: 0 }, "short ones");
  assertEquals(sharedOf([names[0]!, names[0]!]), { head: 0, tail: 0 }, "the same");
});

Deno.test("what comes from outside is cut to what has room, and names keep both ends", () => {
  const program = `exec:/usr/lib/program --with=${"argument ".repeat(40)}--port=9001`;
  assertEquals(brief("db1"), "db1");
  assertEquals(brief(program).length, 56);
  assertEquals(brief(program).startsWith("exec:/usr/lib/program"), true);
  assertEquals(brief(program).endsWith("--port=9001"), true);
  assertEquals(
    brief("🐘".repeat(57)),
    `${"🐘".repeat(28)}…${"🐘".repeat(27)}`,
    "no half of a letter",
  );
  const text = "exec:/usr/lib/program: there is no such file";
  const one = destination("0.1", { address: program, last_error: { text, age_ms: 0 } });
  assertEquals(errorOf(one), "there is no such file");
});

Deno.test("destinations are found by name, state, tag and the error of those that are down", () => {
  const all = [
    destination("0.1", { last_error: REFUSED, last_check: { ok: true, age_ms: 0, took_ms: 0.2 } }),
    destination("0.2", { state: "down", last_error: REFUSED }),
    destination("0.3", { backup: true, tier: 1, name: "spare" }),
  ];
  const ids = (text: string, state = "") => found(all, { text, state }).map(({ id }) => id);
  assertEquals(ids("refused"), ["0.2"], "not who is up again");
  assertEquals(ids("0.2"), ["0.2"], "not how long a check took");
  assertEquals([ids("backup"), ids("SPARE back")], [["0.3"], ["0.3"]]);
  assertEquals([ids("", "down"), ids("spare", "down")], [["0.2"], []]);
});

Deno.test("destinations are sorted by what counts, equals as configured", () => {
  const all = [
    destination("0.10", { state: "up" }),
    destination("0.9", { state: "drain" }),
    destination("0.2", { state: "down" }),
    destination("0.3", { state: "down" }),
  ];
  const ids = (key: Parameters<typeof sorted>[1]) =>
    sorted(all, key, ({ id }) => Number(id.slice(2))).map(({ id }) => id);
  assertEquals(ids("state"), ["0.2", "0.3", "0.9", "0.10"]);
  assertEquals(ids("name"), ["0.2", "0.3", "0.9", "0.10"]);
  assertEquals(ids("bytes"), ["0.10", "0.9", "0.3", "0.2"]);
  assertEquals(ids("slots"), ["0.10", "0.9", "0.2", "0.3"]);
});

Deno.test("before several change, what that means is said", () => {
  const all = [1, 2, 3].map((n) => destination(`0.${n}`, { active: n }));
  assertEquals(
    consequenceOf(all.slice(0, 2), all, "drain"),
    "They finish the 3 sessions they serve and take no new ones. 1 of 3 stays in service.",
  );
  assertEquals(
    consequenceOf(all, all, "maint"),
    "They finish the 6 sessions they serve, are not checked and take no new ones. " +
      "None stays in service: whoever comes has to wait.",
  );
});

Deno.test("bytes a second are those between looks, and begin anew with the program", () => {
  const flow = new Flow();
  const look = (time: number, bytes_up: number) =>
    flow.add([destination("0.1", { bytes_up, bytes_down: 2 * bytes_up })], time);
  look(1000, 500);
  assertEquals(flow.of("0.1"), undefined);
  look(3000, 2500);
  assertEquals(flow.of("0.1"), { up: 1000, down: 2000 });
  look(500, 0);
  assertEquals(flow.of("0.1"), undefined);
});

Deno.test("errors among ended sessions come first, with a share and a rate of what was lately", () => {
  assertEquals(endTone("connect-failed", "failed"), "bad");
  assertEquals(endTone("queue-timeout", "timed out"), "bad");
  assertEquals(endTone("idle-timeout", "timed out"), "plain");
  const meanings = END_REASONS;
  const totals = { done: 1000, "connect-failed": 70, "client-gone": 20, "server-reset": 9 };
  const lately = { done: 90, "connect-failed": 8, "client-gone": 2 };
  const ends = endsOf(totals, { lately, minutes: 4, meanings });
  assertEquals(ends.map(({ reason }) => reason), [
    ...["connect-failed", "server-reset", "client-gone", "done"],
  ]);
  const [first] = ends;
  assertEquals([first!.share, first!.perMinute, first!.total], [0.08, 2, 70]);
  assertEquals(notLately(ends), "Not lately, but since the start: server-reset 9.");
  assertEquals(
    [0, 0.0004, 0.012, 0.5, 0.9999, 1].map(percent),
    ["0 %", "< 0.1 %", "1.2 %", "50 %", "> 99.9 %", "100 %"],
  );
});

Deno.test("what is in force is in groups, none is left out, and in a line", () => {
  const [one] = configInForceOf([listener(0)]).listeners;
  const groups = groupsOf(one!.options);
  const keys = groups.flatMap(({ settings }) => settings.map(({ key }) => key));
  assertEquals(keys.toSorted(), Object.keys(one!.options).filter((key) => key !== "name").sort());
  assertEquals(
    gistOf(one!.options),
    "balance fifo, queue of 1024 for up to 30s, connect 5s, idle 10m, no checks",
  );
  assertEquals(ownOptions(one!).map(({ text }) => text), Array(3).fill("workers=8"));
});

Deno.test("a drain says whom it concerns", () => {
  const busy = listener(0, { active: 2, waiting: 3, greeting: 1 });
  assertEquals(
    whatDrainDoes(status([busy])).startsWith(
      "From now on new clients are refused. It finishes 6 live sessions (2 being served, 4 waiting)",
    ),
    true,
  );
  const end = (...limits: string[]) =>
    /(?<=then it ends\.).*(?= This)/.exec(whatDrainDoes(status([busy]), limits))![0];
  assertEquals(end("30s"), " What has not finished after 30s is cut.");
  assertEquals(end("30s", "none", "5m"), " What has not finished after 30s or 5m is cut.");
  assertEquals(end("none"), " It waits for them however long they take.");
});
