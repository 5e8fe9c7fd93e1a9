import { assert, assertEquals } from "@std/assert";
import type { History } from "../../src/operations/history.ts";
import { TestAdmin } from "../support/admin.ts";
import { historyOf, pastOf, seriesOf } from "../support/histories.ts";
import { until } from "../support/servers.ts";

/** Far more destinations with a day each than sockets have room for. */
const DESTINATIONS = 2000;

/** A history that counts of how many destinations it was made. */
function longHistory(): { history: History; made(): number } {
  let made = 0;
  const series = seriesOf(1440);
  const destinations = Array.from({ length: DESTINATIONS }, (_, i) => ({
    id: `1.${i}`,
    name: `db${i}`,
    get series() {
      made++;
      return series;
    },
  }));
  const listener = { ...pastOf({ id: 1, name: "web", steps: 1440 }), destinations };
  return { history: historyOf({ span: "24h", listeners: [listener] }), made: () => made };
}

Deno.test("a long answer is made as it is read: for nobody who does not read, or has left", async () => {
  await using admin = await TestAdmin.start();
  const { history, made } = longHistory();
  admin.operations.past = history;
  const conn = await admin.connect();
  await conn.write(new TextEncoder().encode("GET /history HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  let before = 0;
  await until(async () => {
    const still = before > 0 && before === made();
    before = made();
    await new Promise((resolve) => setTimeout(resolve, 50));
    return still;
  }, "no more of it is made");
  assert(before < DESTINATIONS, `${before} destinations were made`);
  conn.close();
  // Whoever has left is noticed before somebody else is served whole.
  assertEquals((await (await admin.fetch("/whoami")).json()).may, "everything");
  assert(made() < DESTINATIONS, `${made()} destinations were made`);
  const head = await admin.fetch("/history", { method: "HEAD" });
  assertEquals([head.status, made() < DESTINATIONS], [200, true]);
});

Deno.test("a long answer is whole, and each part of it made once", async () => {
  await using admin = await TestAdmin.start();
  const { history, made } = longHistory();
  admin.operations.past = history;
  const told: History = await (await admin.fetch("/history")).json();
  assertEquals(made(), DESTINATIONS);
  const { series, destinations } = told.listeners[0]!;
  assertEquals(series.waiting.length, 1440);
  assertEquals(destinations!.length, DESTINATIONS);
  assertEquals(destinations![7], { id: "1.7", name: "db7", series: seriesOf(1440) });
});
