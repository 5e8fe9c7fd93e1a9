// Draws docs/images/queue.svg and, where there is a Chromium, photographs the dashboard in some of its
// states into docs/images/dashboard*.png: deno run -A scripts/pictures.ts, then deno fmt docs
/// <reference lib="dom" />
import type { Browser } from "playwright-core";
import { findChromium, launch } from "../tests/support/browser.ts";
import { SIZES, Stage } from "../tests/support/page_stage.ts";
import { PAGE_STATES } from "../tests/support/page_states.ts";
import { queuePicture } from "./queue_picture.ts";

/** A picture of the dashboard: the state of it, how it is looked at, and what of it. */
interface Picture {
  file: string;
  state: string;
  scheme: "light" | "dark";
  size: keyof typeof SIZES;
  width: number;
  height: number;
  /** What is at its top; the top of the page without it. */
  from?: string;
}

/** Pictures of the dashboard, each below 150 KB. */
const PICTURES: readonly Picture[] = [
  {
    ...{ file: "dashboard.png", state: "mixed", scheme: "light", size: "desk" },
    ...{ width: 1000, height: 863 },
  },
  {
    ...{ file: "dashboard-down.png", state: "down", scheme: "dark", size: "desk" },
    ...{ width: 1000, height: 850 },
  },
  {
    ...{ file: "dashboard-many.png", state: "busy-40", scheme: "light", size: "desk" },
    ...{ width: 1180, height: 478, from: ".filter" },
  },
  {
    ...{ file: "dashboard-phone.png", state: "down", scheme: "light", size: "phone" },
    ...SIZES.phone,
  },
];

const folder = new URL("../docs/images/", import.meta.url);

async function photograph(browser: Browser, picture: Picture): Promise<void> {
  const { file, scheme, size, width, height, from } = picture;
  const state = PAGE_STATES.find(({ name }) => name === picture.state)!;
  await using stage = await Stage.open(state, { in: browser });
  await stage.turn({ scheme, size });
  const { page } = stage.tab;
  await page.setViewportSize({ width, height });
  // Two looks make a rate.
  await stage.tab.shows('.destinations [data-label="Moves"]', /↑/);
  if (from) await page.locator(from).first().evaluate((top) => top.scrollIntoView());
  await page.screenshot({ path: new URL(file, folder).pathname });
}

if (import.meta.main) {
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(new URL("queue.svg", folder), queuePicture());
  if (findChromium() === undefined) {
    console.error("no Chromium here: the dashboard stays as it was");
  } else {
    const browser = await launch();
    try {
      for (const picture of PICTURES) await photograph(browser, picture);
    } finally {
      await browser.close();
    }
  }
}
