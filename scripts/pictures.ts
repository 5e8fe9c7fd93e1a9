// Draws docs/images/queue.svg and, where there is a Chromium, photographs the dashboard in some of its
// states into docs/images/dashboard*.png: deno run -A scripts/pictures.ts, then deno fmt docs
/// <reference lib="dom" />
import type { Browser } from "playwright-core";
import { findChromium, launch } from "../tests/support/browser.ts";
import { SIZES, Stage } from "../tests/support/page_stage.ts";
import { PAGE_STATES } from "../tests/support/page_states.ts";
import { queuePicture } from "./queue_picture.ts";

/** A picture of the dashboard: the state of it, how it is looked at, and how much of it from the top. */
interface Picture {
  file: string;
  state: string;
  scheme: "light" | "dark";
  size: keyof typeof SIZES;
  height: number;
}

/** Pictures of the dashboard, each below 150 KB. */
const PICTURES: readonly Picture[] = [
  { file: "dashboard.png", state: "mixed", scheme: "light", size: "desk", height: 960 },
  { file: "dashboard-down.png", state: "down", scheme: "dark", size: "desk", height: 800 },
  { file: "dashboard-many.png", state: "busy-40", scheme: "light", size: "desk", height: 900 },
  { file: "dashboard-phone.png", state: "down", scheme: "light", size: "phone", height: 844 },
];

const folder = new URL("../docs/images/", import.meta.url);

async function photograph(browser: Browser, picture: Picture): Promise<void> {
  const { file, scheme, size, height } = picture;
  const state = PAGE_STATES.find(({ name }) => name === picture.state)!;
  await using stage = await Stage.open(state, { browser });
  await stage.turn({ scheme, size });
  const { width } = SIZES[size];
  await stage.tab.page.setViewportSize({ width, height });
  await stage.tab.page.screenshot({ path: new URL(file, folder).pathname });
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
