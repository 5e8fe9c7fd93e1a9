/// <reference lib="dom" />
import { assertEquals } from "@std/assert";
import { loadPage } from "../../src/admin/dashboard/bundle.ts";
import { TestAdmin } from "../support/admin.ts";
import { findChromium, Tab } from "../support/browser.ts";
import { destination, listener, liveSession } from "../support/fake_operations.ts";
import { historyOf, pastOf } from "../support/histories.ts";

const CHROMIUM = findChromium();

/** What would run, ask for something or leave its place if it were taken for more than text. */
const EVIL =
  `"><img src=x onerror="document.title='got in'"><script>document.title='got in'</script>` +
  `<a href="javascript:alert(1)">x</a>'\u202e\u0000\n\u2028`;

Deno.test({
  name: `dashboard: whatever names and errors say, it is text${
    CHROMIUM ? "" : " (skipped: no Chromium here)"
  }`,
  ignore: !CHROMIUM,
  fn: async () => {
    await using admin = await TestAdmin.start({ page: await loadPage() });
    const { operations, events } = admin;
    const ill = destination("1.1", {
      name: EVIL,
      state: "down",
      last_error: { text: EVIL, age_ms: 1000 },
      failures: 3,
    });
    operations.listeners = [
      listener(1, { name: EVIL, address: EVIL, destinations: [ill, destination("1.2")] }),
      listener(2, { name: `two ${EVIL}`, destinations: [destination("2.1", { name: EVIL })] }),
    ];
    const names = { client: EVIL, peer: EVIL, server_name: EVIL, destination: EVIL, alpn: EVIL };
    operations.live = [liveSession("1.1", { ...names, listener: EVIL, tls_client: EVIL })];
    const entry = { value: EVIL, given: true };
    operations.inForce = {
      file: EVIL,
      settings: { admin: entry },
      listeners: [{
        id: 1,
        name: EVIL,
        listen: [EVIL],
        options: { workers: entry },
        destinations: [{ id: "1.1", name: EVIL, address: EVIL, options: { weight: entry } }],
      }],
    };
    const time = new Date().toISOString();
    operations.past = historyOf({
      listeners: [pastOf({ id: 1, name: EVIL, steps: 60 })],
      marks: [{
        ...{ time, uptime_ms: 30_000, kind: "down", text: EVIL },
        ...{ listener: EVIL, destination: EVIL },
      }],
    });
    events.add({ time, level: "warning", message: EVIL });
    await using tab = await Tab.open(`http://${admin.address}/`);
    const { page } = tab;
    await page.locator("body[data-loaded]").waitFor();
    await page.getByText("List live sessions").click();
    await page.locator("#sessions-list tr").first().waitFor();
    for (const text of ["In force", "Settings of the program"]) {
      await page.getByText(text, { exact: true }).first().click();
    }
    await tab.shows(".events", /onerror/);
    await tab.shows("#sessions-list", /onerror/);
    await tab.shows(".destinations tbody", /onerror/);
    const made = await page.evaluate(() => {
      return document.querySelectorAll("img, a[href^=javascript], body script:not([type])").length;
    });
    assertEquals([made, await page.title() === "got in"], [0, false]);
    assertEquals([tab.complaints, tab.strangers], [[], []]);
  },
});
