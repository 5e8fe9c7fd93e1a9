/// <reference lib="dom" />
import { assertEquals, assertMatch } from "@std/assert";
import { crowdedRows, findings, isSerious, moving, smallTargets } from "../support/axe.ts";
import { findChromium, launch, Tab } from "../support/browser.ts";
import { PAGE_STATES, type PageState } from "../support/page_states.ts";
import { SCHEMES, SIZES, Stage } from "../support/page_stage.ts";

const CHROMIUM = findChromium();

/** States that are on show at a time. */
const AT_A_TIME = 3;

/** What browsers write by themselves when a program is gone, or wants a token. */
const EXPECTED = /ERR_|status of 401/;

/** What may be otherwise where only the size or the colours are. */
const BY_LOOK = ["color-contrast", "scrollable-region-focusable", "aria-hidden-focus"];

Deno.test({
  name:
    "dashboard: in no state anything serious stands in the way of anybody, says axe, and nothing " +
    `moves, is too small for fingers or takes more keys than it should${
      CHROMIUM ? "" : " (skipped: no Chromium here)"
    }`,
  ignore: !CHROMIUM,
  fn: async () => {
    const browser = await launch();
    const wrong: Record<string, string[]> = {};
    const states = PAGE_STATES.filter(({ like }) => like === undefined);
    async function work(): Promise<void> {
      await using tab = await Tab.blank({}, browser);
      for (let state = states.shift(); state; state = states.shift()) {
        await using stage = await Stage.open(state, { in: tab });
        const found = await barriersOf(stage, state);
        if (found.length > 0) wrong[state.name] = found;
      }
    }
    try {
      await Promise.all(Array.from({ length: AT_A_TIME }, work));
    } finally {
      await browser.close();
    }
    assertEquals(wrong, {});
  },
});

/** Ways to spoil the page, and what is found then. */
const SPOILT: Readonly<Record<string, { spoil: () => void; found: RegExp }>> = {
  "a button without a name, and a choice without a label": {
    spoil: () => {
      for (const name of ["button", "select"]) {
        const element = document.createElement(name);
        element.style.cssText = "width: 60px; height: 44px";
        document.querySelector("header")!.append(element);
      }
    },
    found: /critical button-name[^]*critical select-name/,
  },
  "words that can hardly be read": {
    spoil: () => {
      for (const cell of document.querySelectorAll<HTMLElement>(".destinations tbody td")) {
        cell.style.color = "#777";
      }
    },
    found: /serious color-contrast/,
  },
  "what is too small for a finger": {
    spoil: () => {
      const button = document.createElement("button");
      button.textContent = "Press me";
      button.style.cssText = "min-height: 0; height: 43px";
      document.querySelector("header")!.append(button);
    },
    found: /^button "Press me" \d+ × 43$/m,
  },
  "a second stop in a row": {
    spoil: () => document.querySelector<HTMLElement>(".destinations tbody th")!.tabIndex = 0,
    found: /^1\.1: /m,
  },
  "something that moves": {
    spoil: () => document.querySelector<HTMLElement>("#main")!.style.transition = "opacity 1s",
    found: /^main\./m,
  },
  "a page that is too wide": {
    spoil: () => document.querySelector<HTMLElement>("#main")!.style.width = "500px",
    found: /pixels too wide for a phone/,
  },
};

Deno.test({
  name: `dashboard: what would stand in the way is found${
    CHROMIUM ? "" : " (skipped: no Chromium here)"
  }`,
  ignore: !CHROMIUM,
  fn: async () => {
    const browser = await launch();
    const state = PAGE_STATES.find(({ name }) => name === "down")!;
    try {
      await using stage = await Stage.open(state, { in: browser });
      for (const { spoil } of Object.values(SPOILT)) await stage.tab.page.evaluate(spoil);
      const barriers = (await barriersOf(stage, state)).join("\n");
      for (const [what, { found }] of Object.entries(SPOILT)) assertMatch(barriers, found, what);
    } finally {
      await browser.close();
    }
  },
});

/** What is wrong with the page in a state, a line for each. */
async function barriersOf(stage: Stage, { then }: PageState): Promise<string[]> {
  const { tab, tab: { page } } = stage;
  const found: string[] = [];
  for (const size of Object.keys(SIZES) as (keyof typeof SIZES)[]) {
    for (const scheme of SCHEMES) {
      await stage.turn({ size, scheme });
      const whole = size === "desk" && scheme === "light";
      for (const barrier of await serious(stage, whole ? undefined : BY_LOOK)) {
        found.push(`${scheme}, ${size}: ${barrier}`);
      }
    }
    // Behind a dialog nothing gets the focus.
    if (then !== "question") found.push(...await crowdedRows(page));
  }
  found.push(...await smallTargets(page));
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (wide > 0) found.push(`${wide} pixels too wide for a phone`);
  found.push(...await moving(page));
  tab.forgive(EXPECTED);
  return [...found, ...tab.complaints, ...tab.strangers];
}

async function serious(stage: Stage, rules: string[] | undefined): Promise<string[]> {
  const all = await findings(stage.tab.page, rules ? { rules } : {});
  return all.filter(isSerious).map(({ rule, impact, nodes, number }) => {
    const where = nodes.map(({ target, why }) => `${target} (${why})`).join(", ");
    return `${impact} ${rule}, ${number} times: ${where}`;
  });
}
