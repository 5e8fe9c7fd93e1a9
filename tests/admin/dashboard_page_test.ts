/// <reference lib="dom" />
import { assert, assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { bytes, duration, rate, short } from "../../src/admin/dashboard/page/format.js";
import { loadPage } from "../../src/admin/dashboard/bundle.ts";
import { END_REASONS } from "../../src/operations/end_reasons.ts";
import { type BrowserOptions, findChromium, Tab } from "../support/browser.ts";
import { destination, FakeAdmin, listener, status } from "../support/fake_page_admin.ts";
import { until } from "../support/servers.ts";

const CHROMIUM = findChromium();

/** What a test in the browser has: a program that it writes the state of, and the page of it. */
interface Scene {
  admin: FakeAdmin;
  tab: Tab;
}

/** A test in a real browser, in which nothing may go wrong and nobody else may be asked. */
function inBrowser(
  name: string,
  test: (scene: Scene) => Promise<void>,
  options: BrowserOptions & { admin?: () => FakeAdmin } = {},
) {
  Deno.test({
    name: CHROMIUM ? `dashboard: ${name}` : `dashboard: ${name} (skipped: no Chromium here)`,
    ignore: !CHROMIUM,
    fn: async () => {
      const { admin: make = () => new FakeAdmin(status([listener(0)])), ...rest } = options;
      await using admin = make();
      await using tab = await Tab.open(admin.url, rest);
      await test({ admin, tab });
      assertEquals(tab.complaints, []);
      assertEquals(tab.strangers, []);
    },
  });
}

function row(id: string): string {
  return `tr[data-id="${id}"]`;
}

Deno.test("numbers have three digits that matter", () => {
  assertEquals([short(99_999), short(1_234_567)], ["99,999", "1.23 M"]);
  assertEquals([rate(0), rate(2.34), rate(99.6), rate(12_345)], ["0", "2.3", "100", "12.3 k"]);
  assertEquals([bytes(1023), bytes(1536), bytes(3 * 2 ** 40)], ["1023 B", "1.50 KiB", "3.00 TiB"]);
  assertEquals(
    [0.25, 12.3, 1500, 75_000, 3_660_000, 90_000_000].map(duration),
    ["250 µs", "12.3 ms", "1.50 s", "1 min 15 s", "1 h 1 min", "1 d 1 h"],
  );
});

Deno.test("the page is one document that asks nobody and allows nothing but its own", async () => {
  const { body, contentSecurityPolicy } = await loadPage();
  assertMatch(
    contentSecurityPolicy,
    /^default-src 'none'; style-src 'sha256-\S+='; script-src 'sha/,
  );
  assertMatch(contentSecurityPolicy, /; frame-ancestors 'none'$/);
  assertNotMatch(contentSecurityPolicy, /unsafe/);
  assertNotMatch(body, /^import |^export |<link [^>]*stylesheet|\ssrc=|\sstyle="/m);
  const addresses = [...body.matchAll(/https?:\/\/[^\s"'>]+/g)].map(([address]) => address);
  assertEquals(new Set(addresses), new Set(["http://www.w3.org/2000/svg"]), "names, not requests");
  for (const reason of Object.keys(END_REASONS)) assert(body.includes(`"${reason}"`));
});

Deno.test("no two parts of the page's script call something the same", async () => {
  const { body } = await loadPage();
  const names = [...body.matchAll(/^(?:async )?(?:function|class|const|let) (\w+)/gm)];
  const seen = new Set<string>();
  const twice = names.map(([, name]) => name!).filter((name) => {
    return seen.size === seen.add(name).size;
  });
  assertEquals(twice, [], "they share one scope");
});

inBrowser("numbers are live", async ({ admin, tab }) => {
  await tab.shows(".queue .reading", /^Nobody waits/);
  const one = admin.status.listeners[0]!;
  admin.tell();
  for (const waiting of [37, 5]) {
    one.waiting = waiting;
    one.oldest_waiting_ms = 1240;
    one.accepted += 100;
    one.ended.done = one.accepted;
    one.destinations[0]!.sessions += 100;
    one.destinations[0]!.active = waiting % 8;
    admin.tell();
    await tab.shows(
      ".queue .reading",
      new RegExp(`^${waiting} waiting clears in about .*arriving`),
    );
    await tab.shows(".queue .feet", /next, here for 1\.2 s.*room for 1,024/);
    await tab.shows('[data-chart="rates"]', /End 100\/s/);
    await tab.shows(`${row("0.1")} .figure`, new RegExp(`^${waiting % 8} / 8$`));
    assertEquals(await tab.page.title(), `${waiting} waiting – iawlb`);
  }
  const taken = await tab.page.locator(".queue .taken").getAttribute("d");
  assertMatch(taken!, /^M\.5 0\.5h4\.01$/, "five dots, one behind the other");
  const free = await tab.page.locator(".queue .free").getAttribute("d");
  assertMatch(free!, /^M\.5 0\.5h36\.01$/, "and where 37 have stood");
});

Deno.test("dashboard: every module and every style of the page is in it", async () => {
  const { body } = await loadPage();
  const folder = new URL("../../src/admin/dashboard/page/", import.meta.url);
  for await (const { name } of Deno.readDir(folder)) {
    const text = await Deno.readTextFile(new URL(name, folder));
    if (!name.endsWith(".html")) assert(body.includes(text.slice(-80)), `${name} is missing`);
  }
});

inBrowser("a destination that goes down is soon seen", async ({ admin, tab }) => {
  await tab.shows("#health-title", /Healthy/);
  const [first] = admin.status.listeners[0]!.destinations;
  first!.state = "down";
  first!.failures = 3;
  first!.state_age_ms = 2500;
  first!.last_error = { text: "Connection refused (os error 111)", age_ms: 500 };
  first!.last_check = { ok: false, age_ms: 700, took_ms: 1.25 };
  admin.log("10.0.0.1:9000 is down", "error");
  admin.tell();
  await tab.shows("#health-title", /^10\.0\.0\.1:9000 is down/);
  await tab.shows(`${row("0.1")}[data-state="down"] .state`, /^down for \d+ s$/);
  await tab.shows(`${row("0.1")} .notes`, /^connection refused · probe failed in 1\.25 ms$/);
  await tab.shows(`${row("0.1")} .service`, /^In service$/);
  await tab.shows("#events-list li >> nth=0", /error\s*10\.0\.0\.1:9000 is down/);
});

inBrowser("the menu of a destination drains it and takes it back", async (scene) => {
  const { admin, tab } = scene;
  await choose(tab, "10.0.0.2:9000", "Drain");
  await tab.shows("#said", /10\.0\.0\.2:9000 finishes its sessions and takes no new ones/);
  await tab.shows(`${row("0.2")} .state`, /^drain for/);
  await tab.shows(`${row("0.2")} .service`, /^Drain$/);
  await tab.page.locator(`${row("0.2")} .service`).click();
  await tab.shows('[role="menuitemradio"][aria-checked="true"]', /^Drain/);
  await tab.page.getByRole("menuitemradio", { name: /^In service/ }).click();
  await tab.shows(`${row("0.2")} .state`, /^up for/);
  // The mouse rests where that was: whoever goes on with the keys keeps their place.
  await tab.page.evaluate(() => {
    addEventListener("mouseover", ({ target }) => {
      const item = target instanceof Element ? target.closest<HTMLElement>(".item") : null;
      if (item) item.dataset.under = "mouse";
    });
  });
  for (const key of ["Enter", "End"]) await tab.page.keyboard.press(key);
  await tab.page.locator(".item[data-under]").waitFor();
  assertMatch(await focused(tab), /^Remove/);
  await tab.page.keyboard.press("Escape");
  const path = "/destinations/0.2";
  assertEquals(admin.changes, [
    { method: "PATCH", path, body: { state: "drain" } },
    { method: "PATCH", path, body: { state: "ready" } },
  ]);
});

inBrowser("a destination is drained with the keyboard alone", async ({ admin, tab }) => {
  await tab.shows("#health-title", /Healthy/);
  await tab.page.keyboard.press("Tab");
  assertEquals(await focused(tab), "Skip to the content");
  await tab.page.keyboard.press("Enter");
  for (let i = 0; await focused(tab) !== "10.0.0.1:9000: In service"; i++) {
    if (i === 20) throw new Error(`20 steps lead to ${await focused(tab)}`);
    await tab.page.keyboard.press("Tab");
  }
  const outline = await tab.page.evaluate(() =>
    getComputedStyle(document.activeElement!).outlineStyle
  );
  assertEquals(outline, "solid", "where the focus is can be seen");
  await tab.page.keyboard.press("Enter");
  for (const key of ["End", "Home", "ArrowDown"]) await tab.page.keyboard.press(key);
  admin.tell();
  await tab.page.keyboard.press("Enter");
  await tab.shows(`${row("0.1")} .state`, /^drain for/);
  for (let i = 0; i < 3; i++) admin.tell();
  assertEquals(await focused(tab), "10.0.0.1:9000: Drain", "new numbers leave the focus alone");
  await tab.page.keyboard.press("Tab");
  assertEquals(await focused(tab), "10.0.0.2:9000: In service", "one stop in a row");
  await tab.page.keyboard.press("Enter");
  await tab.page.keyboard.press("Escape");
  assertEquals(await focused(tab), "10.0.0.2:9000: In service");
  assertEquals(admin.changes.length, 1);
});

inBrowser("what cannot be taken back asks first", async ({ admin, tab }) => {
  await tab.shows("#health-title", /Healthy/);
  const { page } = tab;
  await choose(tab, "10.0.0.3:9000", "Remove…");
  await tab.shows("dialog", /Remove 10\.0\.0\.3:9000\?/);
  assertEquals(await focused(tab), "Cancel");
  await page.keyboard.press("Escape");
  await chooseForAll(tab, "Drain and end…");
  await tab.shows("dialog", /There is no live session, so it ends at once\./);
  await page.keyboard.press("Enter");
  await page.locator("dialog").waitFor({ state: "detached" });
  assertEquals(admin.changes, [], "two times no");
  assertEquals(await focused(tab), "Program");
  await choose(tab, "10.0.0.3:9000", "Remove…");
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await tab.shows(`${row("0.3")} .state`, /^leaving$/);
  admin.status.listeners[0]!.destinations.pop();
  admin.tell();
  await page.locator(row("0.3")).waitFor({ state: "detached" });
  const [one] = admin.status.listeners;
  Object.assign(one!, { active: 2, waiting: 1 });
  admin.tell();
  await tab.shows(".reading", /1 waiting/);
  await chooseForAll(tab, "Drain and end…");
  await tab.shows("dialog", /It finishes 3 live sessions \(2 being served, 1 waiting\)/);
  await page.getByRole("dialog").getByRole("button", { name: "Drain and end" }).click();
  await tab.shows("#said", /The program drains/);
  admin.tell();
  await tab.shows("#health-title", /^Draining: \d+ sessions? to finish$/);
  assertEquals(admin.changes.map(({ method, path }) => `${method} ${path}`), [
    "DELETE /destinations/0.3",
    "POST /drain",
  ]);
});

inBrowser("a reload that is not allowed says each error", async ({ tab }) => {
  await chooseForAll(tab, "Reload configuration…");
  await tab.page.getByRole("dialog").getByRole("button", { name: "Reload" }).click();
  await tab.shows("#said[data-tone=bad] li", /iawlb\.toml:3: worker: unknown key/);
  await tab.page.getByRole("button", { name: "Close this message" }).click();
  assertEquals(await tab.page.locator("#said[data-shown]").count(), 0);
  tab.forgive(/status of 422/);
});

inBrowser("a destination is added with what was filled in", async ({ admin, tab }) => {
  await tab.page.getByText("Add a destination").click();
  await tab.page.getByLabel("Address").fill("10.0.0.9:9003");
  await tab.page.getByLabel("Slots").fill("4");
  await tab.page.getByLabel("Backup").fill("2");
  await tab.page.keyboard.press("Enter");
  await tab.shows("#said", /10\.0\.0\.9:9003 was added/);
  admin.tell();
  await tab.shows(row("0.4"), /10\.0\.0\.9:9003/);
  const body = { listener: "0", address: "10.0.0.9:9003", workers: 4, backup: 2 };
  assertEquals(admin.changes, [{ method: "POST", path: "/destinations", body }]);
});

inBrowser("a destination may find its number of slots itself", async ({ admin, tab }) => {
  await tab.page.getByText("Add a destination").focus();
  const keys = async (...pressed: string[]) => {
    for (const key of pressed) await tab.page.keyboard.press(key);
  };
  await keys("Enter", "Tab");
  await tab.page.keyboard.type("10.0.0.9:9003");
  await keys("Tab");
  assertEquals(
    await tab.page.getByLabel("Slots").evaluate((e) => e === document.activeElement),
    true,
  );
  for (const wrong of ["many", "0", "-1", "1.5", "4 auto"]) {
    await tab.page.getByLabel("Slots").fill(wrong);
    await keys("Enter");
    const valid = await tab.page.getByLabel("Slots").evaluate((e) => e.matches(":valid"));
    assertEquals([valid, admin.changes], [false, []], wrong);
  }
  await tab.page.getByLabel("Slots").fill(" Auto");
  await keys("Enter");
  await tab.shows("#said", /10\.0\.0\.9:9003 was added/);
  const body = { listener: "0", address: "10.0.0.9:9003", workers: "auto" };
  assertEquals(admin.changes, [{ method: "POST", path: "/destinations", body }]);
  Object.assign(admin.status.listeners[0]!.destinations[0]!, {
    limit: 7,
    limit_reason: "more-served",
  });
  admin.tell();
  await tab.shows(`${row("0.1")} .tags`, /slots auto: more served/);
  await tab.shows(`${row("0.1")} .slots`, /\/ 7/);
});

inBrowser("live sessions are listed on demand and can be ended", async ({ admin, tab }) => {
  admin.sessions = [1, 2].map((number) => ({
    id: `0.${number}`,
    listener: "8080",
    client: `192.0.2.${number}:5000`,
    peer: number === 1 ? "192.0.2.1:5000" : "10.0.0.9:40000",
    server_name: null,
    destination: null,
    stage: "waiting",
    place: number,
    age_ms: 61_000,
    bytes_up: 0,
    bytes_down: 0,
    attempts: 0,
  }));
  await tab.page.getByText("List live sessions").click();
  await tab.shows("#sessions-list tr", /192\.0\.2\.1:5000.*waiting, place 1.*1 min 1 s/s);
  await tab.shows("#sessions-list tr", /192\.0\.2\.2:5000 through 10\.0\.0\.9:40000/);
  await tab.page.getByRole("button", { name: "end session 0.1" }).click();
  await tab.shows("#said", /Session 0\.1 from 192\.0\.2\.1:5000 was ended/);
  await tab.page.locator('#sessions-list [data-id="0.1"]').waitFor({ state: "detached" });
  assertEquals(await tab.page.locator("#sessions-list tr").count(), 1);
});

inBrowser("errors among those that ended are told as a rate and a share, each explained", async ({
  admin,
  tab,
}) => {
  const one = admin.status.listeners[0]!;
  admin.tell();
  await tab.shows(".ends-summary", /^None ended since the start\.$/);
  one.ended = { done: 90_000, "connect-failed": 500, "client-gone": 10 };
  one.recent = { ended: { done: 95, "connect-failed": 5 } };
  admin.status.uptime_ms = 3_600_000;
  admin.tell();
  await tab.shows(
    ".ends-summary",
    /^5 of 100 sessions that ended in the last 5 minutes ended with an error: 5\.0 %, 1\.0 a minute\.$/,
  );
  const failed = '[data-reason="connect-failed"]';
  await tab.shows(`${failed} .about`, new RegExp(END_REASONS["connect-failed"].help));
  await tab.shows(failed, /5\.0 %\s*1\.0\s*500/);
  await tab.shows(".ends tbody tr >> nth=0", /connect-failed/);
});

inBrowser("hundreds of destinations stay usable", async ({ admin, tab }) => {
  const one = admin.status.listeners[0]!;
  one.destinations = Array.from({ length: 300 }, (_, i) => destination(`0.${i}`));
  admin.tell();
  await tab.shows(".more", /Show 240 more that are up/);
  one.destinations[250]!.state = "down";
  admin.tell();
  await tab.shows(`${row("0.250")} .state`, /^down/);
  await tab.page.locator(".more").click();
  assertEquals(await tab.page.locator(".destinations tbody tr").count(), 300);
  const button = tab.page.getByRole("button", { name: "10.0.0.200:9000: In service" });
  await button.focus();
  const before = await tab.page.evaluate(() => scrollY);
  one.destinations.splice(10, 1);
  admin.tell();
  await tab.page.locator(row("0.10")).waitFor({ state: "detached" });
  assertEquals(await focused(tab), "10.0.0.200:9000: In service", "the focus stays");
  const moved = Math.abs(await tab.page.evaluate(() => scrollY) - before);
  assert(moved < 100, `the page moved by ${moved} pixels`);
  await tab.page.getByLabel("Find destinations").fill("0.25");
  await until(
    async () => await tab.page.locator(".destinations tbody tr").count() === 11,
    "0.25 and 0.250 to 0.259 are found",
  );
});

inBrowser("many are a line each, in the order that is asked for", async ({ admin, tab }) => {
  const one = admin.status.listeners[0]!;
  one.destinations = Array.from({ length: 40 }, (_, i) => destination(`0.${i + 1}`));
  one.destinations[30]!.active = 7;
  one.destinations[20]!.active = 3;
  admin.tell();
  await tab.shows(".dense tbody tr >> nth=0", /10\.0\.0\.1:9000/);
  const height = await tab.page.locator(row("0.5")).evaluate((tr) => tr.clientHeight);
  assert(height <= 34, `a line is ${height} pixels high`);
  await tab.page.getByRole("button", { name: "Slots" }).click();
  const first = async () => await tab.page.locator(".dense tbody .name").first().textContent();
  assertEquals(await first(), "10.0.0.31:9000");
  one.destinations[20]!.active = 8;
  await tab.page.locator(row("0.31")).hover();
  admin.tell();
  await tab.shows(`${row("0.21")} .figure`, /^8/);
  assertEquals(await first(), "10.0.0.31:9000", "nothing moves under the hand");
  await tab.page.mouse.move(0, 0);
  admin.tell();
  await until(async () => await first() === "10.0.0.21:9000", "the busiest is first");
  await tab.page.getByRole("button", { name: "Slots" }).click();
  assertEquals(await first(), "10.0.0.1:9000", "as configured again");
});

inBrowser("those that are found are drained together", async ({ admin, tab }) => {
  const one = admin.status.listeners[0]!;
  one.destinations = Array.from({ length: 40 }, (_, i) => destination(`0.${i + 1}`, { active: 1 }));
  admin.tell();
  await tab.page.getByLabel("Find destinations").fill("0.3");
  await tab.page.getByRole("button", { name: "Change 11 found" }).click();
  await tab.page.getByRole("menuitem", { name: /^Drain…/ }).click();
  await tab.shows("dialog", /Drain: 11 destinations\?.*finish the 11 sessions.*29 of 40 stay/s);
  await tab.page.getByRole("dialog").getByRole("button", { name: "Drain" }).click();
  await tab.shows("#said", /Drain: 11 destinations: done/);
  assertEquals(admin.changes.length, 11);
  assert(admin.changes.every(({ body }) => (body as { state: string }).state === "drain"));
  admin.tell();
  await tab.page.getByRole("button", { name: "11 drain" }).click();
  assertEquals(await tab.page.locator(".destinations tbody tr").count(), 11);
  await choose(tab, "10.0.0.30:9000", "Choose");
  await tab.page.getByRole("button", { name: "Change 1 chosen" }).click();
  await tab.page.getByRole("menuitem", { name: /^In service…/ }).click();
  await tab.page.getByRole("dialog").getByRole("button", { name: "In service" }).click();
  await until(() => admin.changes.length === 12, "one is taken back");
  assertEquals(admin.changes.at(-1)!.path, "/destinations/0.30");
});

inBrowser("several listeners have an overview, and those that are well are closed", async ({
  admin,
  tab,
}) => {
  admin.status.listeners.push(listener(1, { name: "8443", waiting: 4, oldest_waiting_ms: 25_000 }));
  admin.tell();
  await tab.page.locator("#l0").waitFor({ state: "hidden" });
  const well = tab.page.getByRole("button", { name: "8080" });
  assertEquals(await well.getAttribute("aria-expanded"), "false");
  await well.click();
  await tab.page.locator("#l0").waitFor({ state: "visible" });
  admin.tell();
  assertEquals(await well.getAttribute("aria-expanded"), "true");
  await tab.shows("#overview li >> nth=1", /8443.*4 waiting/s);
  await tab.shows("#l1 .reading", /4 waiting/);
  admin.status.listeners.shift();
  admin.tell();
  await tab.page.locator("#l0").waitFor({ state: "detached" });
});

const TOKEN = "correct-horse";
inBrowser("the token is asked for, refused, taken and kept", async ({ admin, tab }) => {
  await tab.shows("#token", /Token/);
  assertEquals(await tab.page.title(), "sign in – iawlb");
  assertEquals(await tab.page.locator("#program").isVisible(), false, "nothing to do there yet");
  await tab.page.getByLabel("Token").fill("wrong");
  await tab.page.keyboard.press("Enter");
  await tab.shows("#token-error", /This token was not accepted/);
  await tab.page.getByLabel("Token").fill(TOKEN);
  await tab.page.keyboard.press("Enter");
  await tab.shows("#health-title", /Healthy/);
  await choose(tab, "10.0.0.1:9000", "Drain");
  await until(() => admin.changes.length === 1, "the change comes with the token");
  await tab.page.reload();
  await tab.shows("#health-title", /Healthy/);
  tab.forgive(/status of 401/);
}, { admin: () => new FakeAdmin(status([listener(0)]), { token: TOKEN }) });

inBrowser("a lost connection is told, and nothing can be done until it is made again", async ({
  admin,
  tab,
}) => {
  await tab.shows("#link", /^live$/);
  await admin[Symbol.asyncDispose]();
  await tab.shows("#banner", /Disconnected.*What you see is from \d\d:\d\d:\d\d/s);
  await tab.shows("#link", /^disconnected$/);
  assertEquals(await tab.page.title(), "disconnected – iawlb");
  const button = tab.page.locator(`${row("0.1")} .service`);
  assertEquals(await button.getAttribute("aria-disabled"), "true");
  await button.click({ force: true });
  assertEquals(await tab.page.locator(".menu").count(), 0);
  await using again = new FakeAdmin(admin.status, { port: admin.port });
  await tab.page.getByRole("button", { name: "Try now" }).click();
  await tab.shows("#link", /^live$/);
  assertEquals(await button.getAttribute("aria-disabled"), "false");
  await tab.page.locator("#banner").waitFor({ state: "hidden" });
  again.status.listeners[0]!.waiting = 3;
  again.tell();
  await tab.shows(".queue .reading", /^3 waiting/);
  tab.forgive(/ERR_/);
});

inBrowser("who only may look has nothing that acts", async ({ tab }) => {
  await tab.shows("#who", /^reader, may look$/);
  await tab.shows(".destinations", /10\.0\.0\.1:9000/);
  await until(
    async () => await tab.page.locator("[data-act]:visible, .add:visible").count() === 0,
    "nothing acts",
  );
}, {
  admin: () => {
    const admin = new FakeAdmin(status([listener(0)]));
    admin.whoami = { name: "reader", may: "read", token: true };
    return admin;
  },
});

inBrowser("what is in force can be read", async ({ tab }) => {
  await tab.shows(".gist", /^balance fifo, queue of 1024 for up to 30s, connect 5s, idle 10m/);
  await tab.page.locator(".listener .in-force summary").click();
  await tab.shows(".groups section", /^Timeouts.*connect-timeout\s*5s/s);
  await tab.shows(".groups section", /^Checks/);
  await tab.page.locator("#settings summary").click();
  await tab.shows("#settings", /From \/etc\/iawlb\/iawlb\.toml.*log-level/s);
});

inBrowser("a listener tells its policy, and a record of a name has no removal of its own", async ({
  admin,
  tab,
}) => {
  const one = admin.status.listeners[0]!;
  one.balance = "round-robin";
  one.destinations.push(destination("0.9", { name: "web@10.0.0.9:9000", source: "web" }));
  admin.tell();
  await tab.shows(".listener", /Balance round-robin\./);
  await tab.shows(row("0.9"), /web@10\.0\.0\.9:9000/);
  for (const [id, number] of [["0.9", 0], ["0.3", 1]] as const) {
    await tab.page.locator(`${row(id)} .service`).click();
    assertEquals(await tab.page.getByRole("menuitem", { name: "Remove…" }).count(), number);
    await tab.page.keyboard.press("Escape");
  }
});

inBrowser("a program that has drained is said to be gone", async ({ admin, tab }) => {
  admin.status.state = "draining";
  // What a program that drains tells: whoever is at the door comes in.
  admin.status.listeners[0]!.queue = Number.MAX_SAFE_INTEGER;
  admin.status.listeners[0]!.greeting = 2;
  admin.tell();
  await tab.shows("#health-title", /^Draining: 2 sessions to finish$/);
  assertEquals(await tab.page.locator(".room").textContent(), "");
  await admin[Symbol.asyncDispose]();
  await tab.shows("#banner", /Ended as planned: the program has drained and is gone/);
  assertEquals(await tab.page.title(), "ended – iawlb");
  tab.forgive(/ERR_/);
});

for (const colorScheme of ["light", "dark"] as const) {
  inBrowser(`${colorScheme}: nothing is too wide or too faint`, async ({ admin, tab }) => {
    const one = admin.status.listeners[0]!;
    one.ended = { done: 1e9, "refused-overflow": 1 };
    one.waiting = 900;
    one.queue = 100_000;
    one.destinations.push(
      destination("0.9", {
        name: "unix:/run/a/rather/long/path/to/a/socket/that/somebody/has/chosen.sock",
        limit: 256,
        failures: 1e6,
        sessions: 1e9,
        bytes_up: 1e15,
        state: "maint",
        weight: 0,
        backup: true,
        tier: 2,
      }),
    );
    admin.log("x".repeat(300), "warning");
    admin.tell();
    await tab.shows(`${row("0.9")} .state`, /maint/);
    await tab.shows(row("0.9"), /backup 2 · weight 0/);
    for (const width of [360, 600, 899, 901, 1100, 1239, 1241, 1600]) {
      await tab.page.setViewportSize({ width, height: 800 });
      let wide: string[] = [];
      // What is drawn follows the size a frame later.
      await until(async () => {
        wide = await tab.page.evaluate(tooWide);
        return wide.length === 0;
      }, "nothing is too wide").catch(() => {});
      assertEquals(wide, [], `at ${width} pixels`);
    }
    const faint = await tab.page.evaluate(tooFaint);
    assertEquals(faint, [], "texts with a contrast below 4.5");
  }, { colorScheme });
}

/** Chooses something in the menu of a destination. */
async function choose(tab: Tab, name: string, what: string): Promise<void> {
  await tab.page.getByRole("button", { name: `${name}: ` }).click();
  await tab.page.locator(".menu .item", { hasText: what }).first().click();
}

/** Chooses something in the menu of the program. */
async function chooseForAll(tab: Tab, what: string): Promise<void> {
  await tab.page.getByRole("button", { name: "Program" }).click();
  await tab.page.getByRole("menuitem", { name: what }).click();
}

/** The name of what has the focus. */
async function focused(tab: Tab): Promise<string> {
  return await tab.page.evaluate(() => {
    const element = document.activeElement;
    return element?.getAttribute("aria-label") ?? element?.textContent?.trim() ?? "";
  });
}

/** Runs in the page: what makes it scroll sideways. */
function tooWide(): string[] {
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return [];
  const wide = [...document.querySelectorAll("body *")].filter((element) =>
    element.getBoundingClientRect().right > clientWidth && !element.closest("thead")
  );
  return wide.map(({ tagName, className, textContent }) =>
    `${tagName} ${className} ${textContent}`
  );
}

/** Runs in the page: the texts whose contrast to what is behind them is below WCAG AA. */
function tooFaint(): string[] {
  const luminance = (colour: string) => {
    const [r, g, b] = colour.match(/[\d.]+/g)!.slice(0, 3).map((text) => {
      const part = Number(text) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const behind = (element: Element | null): string => {
    if (!element) return "rgb(255, 255, 255)";
    const colour = getComputedStyle(element).backgroundColor;
    return colour === "rgba(0, 0, 0, 0)" ? behind(element.parentElement) : colour;
  };
  const hasText = (element: Element) =>
    [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim());
  return [...document.querySelectorAll<HTMLElement>("body *")].flatMap((element) => {
    if (!hasText(element) || !element.checkVisibility()) return [];
    if (element.closest("script, [aria-disabled=true]")) return [];
    const [a, b] = [getComputedStyle(element).color, behind(element)].map(luminance);
    const contrast = (Math.max(a!, b!) + 0.05) / (Math.min(a!, b!) + 0.05);
    return contrast < 4.5 ? [`${element.className} ${element.innerText}: ${contrast}`] : [];
  });
}
