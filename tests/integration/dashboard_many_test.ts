/// <reference lib="dom" />
import { assertEquals } from "@std/assert";
import { findChromium, Tab } from "../support/browser.ts";
import { Program } from "../support/program.ts";
import { echo, freePort, request, TestServer, until } from "../support/servers.ts";

const CHROMIUM = findChromium();

/** The real program with many destinations, which one server is, and its dashboard. */
interface Crowd {
  program: Program;
  tab: Tab;
  admin: string;
  /** Sessions at each of them, by its name. */
  served: Map<string, number>;
}

function withMany(name: string, number: number, test: (crowd: Crowd) => Promise<void>) {
  Deno.test({
    name: CHROMIUM ? `dashboard: ${name}` : `dashboard: ${name} (skipped: no Chromium here)`,
    ignore: !CHROMIUM,
    fn: async () => {
      const served = new Map<string, number>();
      const nameOf = (i: number) => `db-${String(i).padStart(3, "0")}`;
      const hostOf = (i: number) => `127.1.${Math.floor(i / 200)}.${1 + i % 200}`;
      const names = new Map(
        Array.from({ length: number }, (_, i) => [hostOf(i), nameOf(i)] as const),
      );
      await using server = new TestServer(async (conn) => {
        const name = names.get((conn.localAddr as Deno.NetAddr).hostname)!;
        served.set(name, (served.get(name) ?? 0) + 1);
        await echo(conn);
      }, { hostname: "0.0.0.0", port: freePort() });
      await using program = await Program.start(
        [...names].map(([host, name]) => `${host}:${server.port},name=${name}`),
        ["--admin", "127.0.0.1:0", "--workers", "2"],
      );
      const address = /admin API on ([\d.:]+)/.exec(await program.logged(/admin API on /))![1]!;
      const admin = `http://${address}`;
      await using tab = await Tab.open(`${admin}/`);
      await test({ program, tab, admin, served });
      assertEquals(tab.complaints, []);
      assertEquals(tab.strangers, []);
    },
  });
}

/** Presses Tab until what matches has the focus. */
async function tabTo({ page }: Tab, selector: string): Promise<void> {
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate((one) => document.activeElement?.matches(one), selector)) return;
  }
  throw new Error(`Tab does not lead to ${selector}`);
}

withMany(
  "several are drained by the keyboard under load, one of them gone meanwhile",
  40,
  async (crowd) => {
    const { program, tab, admin, served } = crowd;
    const { keyboard } = tab.page;
    const stop = new AbortController();
    let [done, lost] = [0, 0];
    const load = Promise.all(Array.from({ length: 4 }, async () => {
      while (!stop.signal.aborted && lost === 0) {
        const answer = await request(program.port, "hello").catch(String);
        if (answer === "hello") done++;
        else lost++;
      }
    }));
    await until(() => served.size === 40, "each serves");
    await tabTo(tab, "input[type=search]");
    await keyboard.type("DB-00 \\ ");
    await tab.shows(".together button", /^Change 0 found$/);
    for (let i = 0; i < 3; i++) await keyboard.press("Backspace");
    await tab.shows(".together button", /^Change 10 found$/);
    await tabTo(tab, ".together button");
    for (const key of ["Enter", "ArrowDown", "Enter"]) await keyboard.press(key);
    await tab.shows("dialog", /^Drain: 10 destinations\?.*db-000, .* and 6 more.*30 of 40 stay/);
    const { destinations } = (await (await fetch(`${admin}/status`)).json()).listeners[0];
    const { id } = destinations.find((one: { name: string }) => one.name === "db-004");
    await (await fetch(`${admin}/destinations/${id}`, { method: "DELETE" })).body?.cancel();
    await program.logged(/db-004.*(removed|forgotten|gone)/);
    await tabTo(tab, "dialog .danger");
    await keyboard.press("Enter");
    await tab.shows("#said-text", /^Drain: done for 9 of 10 destinations.*db-004: /);
    await tab.shows('.chip[data-state="drain"]', /^9 drain$/);
    // Nobody new comes to those, and nobody is lost.
    const names = [...served.keys()].filter((name) => name < "db-010").sort();
    const before = names.map((name) => served.get(name));
    const others = served.get("db-020")!;
    await until(() => served.get("db-020")! > others + 5, "the others serve");
    assertEquals(names.map((name) => served.get(name)), before);
    stop.abort();
    await load;
    assertEquals([lost, done > 40], [0, true]);
    tab.forgive(/404/);
  },
);

withMany("of many rows only those are drawn that can be seen", 300, async ({ tab }) => {
  const { page } = tab;
  await tab.shows("button.more", /more that are up/);
  await page.locator("button.more").click();
  await page.locator(".destinations tbody tr").nth(299).waitFor();
  // Each of them changes each second: it is up for longer.
  const changed = () =>
    page.evaluate(async () => {
      const rows = new Set<Element>();
      const observer = new MutationObserver((changes) => {
        for (const { target } of changes) {
          const element = target instanceof Element ? target : target.parentElement;
          const row = element?.closest("tr[data-id]");
          if (row) rows.add(row);
        }
      });
      const body = document.querySelector(".destinations tbody")!;
      observer.observe(body, { subtree: true, childList: true, attributes: true });
      const about = document.querySelector("#about")!;
      // From one update to the next.
      await new Promise((resolve) => {
        const next = new MutationObserver(() => resolve(next.disconnect()));
        next.observe(about, { subtree: true, childList: true, characterData: true });
      });
      await new Promise((resolve) => setTimeout(resolve));
      observer.disconnect();
      return rows.size;
    });
  // An update that is late is drawn together with the next one.
  await until(async () => await changed() < 150, "fewer than half of them are drawn");
});

withMany("a program that is killed while it drains has not ended as planned", 1, async (crowd) => {
  const { program, tab } = crowd;
  using client = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
  await client.write(new TextEncoder().encode("hello"));
  await tab.shows("#service-title", /^1 of 2 busy$/);
  program.signal("SIGTERM");
  await tab.shows("#health-title", /^Draining: 1 session to finish$/);
  program.signal("SIGKILL");
  await tab.shows("#banner", /Disconnected: .* It was about to drain/);
  assertEquals(await tab.page.title(), "disconnected – iawlb");
  tab.forgive(/ERR_/);
});
