/// <reference lib="dom" />
import { assert, assertEquals } from "@std/assert";
import type { History } from "../../src/operations/history.ts";
import { findChromium, Tab } from "../support/browser.ts";
import { Program } from "../support/program.ts";
import { answer, request, TestServer, until } from "../support/servers.ts";

const CHROMIUM = findChromium();

Deno.test({
  name: CHROMIUM
    ? "dashboard: the charts are full at first sight"
    : "dashboard: the charts are full at first sight (skipped: no Chromium here)",
  ignore: !CHROMIUM,
  fn: async () => {
    await using server = new TestServer(answer("served"));
    await using program = await Program.start([server.address], ["--admin", "127.0.0.1:0"]);
    const address = /admin API on ([\d.:]+)/.exec(await program.logged(/admin API on /))![1]!;
    const answers = Array.from({ length: 9 }, () => request(program.port, "hello"));
    for (const text of await Promise.all(answers)) assertEquals(text, "served");
    const told = async (): Promise<History> => {
      return await (await fetch(`http://${address}/history`)).json();
    };
    const served = async () => {
      const { listeners: [listener] } = await told();
      return listener!.series.ended_per_s.some((number) => number! > 0);
    };
    await until(served, "the sessions are in the history");
    await using tab = await Tab.open(`http://${address}/`);
    await tab.page.waitForSelector('body[data-loaded="yes"]');
    const line = tab.page.locator('.chart[data-chart="rates"] svg.lines path[data-look="in"]')
      .last();
    const drawn = await line.getAttribute("d");
    assert(drawn!.length > 10, "what was before the page is drawn");
    assertEquals(await tab.page.locator('.marks [data-kind="start"]').count() > 0, true);
    const asked = tab.page.waitForResponse(/\/history\?span=24h$/);
    await tab.page.click('[data-span="24h"]');
    assertEquals((await asked).status(), 200);
    await tab.page.click('[data-span="5m"]');
    await until(async () => await line.getAttribute("d") !== "", "the minutes are drawn again");
    assertEquals(tab.complaints, []);
    assertEquals(tab.strangers, []);
  },
});
