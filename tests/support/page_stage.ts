/// <reference lib="dom" />
import type { Browser, ViewportSize } from "playwright-core";
import { getLogger } from "@logtape/logtape";
import { loadPage, type Page } from "../../src/admin/dashboard/bundle.ts";
import { type AdminServer, serveAdmin } from "../../src/admin/server.ts";
import { parseAddress } from "../../src/net/address.ts";
import { Tab } from "./browser.ts";
import { PlayedProgram } from "./page_program.ts";
import type { PageState } from "./page_states.ts";
import { until } from "./servers.ts";

/** How wide the page is looked at: on a desk, and on a phone. */
export const SIZES: Record<"desk" | "phone", ViewportSize> = {
  desk: { width: 1180, height: 800 },
  phone: { width: 390, height: 844 },
};

/** What the page is looked at in. */
export const SCHEMES = ["light", "dark"] as const;

/** Long enough that nobody would find it, and short enough for a picture. */
const TOKEN = "the-token-of-this-play-0123456789";
const READER_TOKEN = "the-token-of-who-only-looks-01234";

/** It is the same for all, and made when it is first wanted. */
let page: Promise<Page> | undefined;

/** One state on show: the real admin server in front of a program that is played, and the page. */
export class Stage implements AsyncDisposable {
  readonly tab: Tab;
  readonly program: PlayedProgram;
  readonly #server: AdminServer;
  /** Whether the tab was there before, and stays. */
  readonly #borrowed: boolean;

  private constructor(
    tab: Tab,
    options: { program: PlayedProgram; server: AdminServer; borrowed: boolean },
  ) {
    this.tab = tab;
    this.program = options.program;
    this.#server = options.server;
    this.#borrowed = options.borrowed;
  }

  /**
   * Opens the page in a state.
   *
   * @param options.in In a tab of its own of a browser, or in a tab that is there already, which is
   *   quicker.
   * @param options.watched Whether somebody has looked on for the last five minutes already.
   */
  static async open(
    state: PageState,
    options: { in: Browser | Tab; watched?: boolean },
  ): Promise<Stage> {
    const { in: place, watched = false } = options;
    const program = new PlayedProgram(state.play(), { early: watched ? WATCHED_S : 0 });
    const server = await serveAdmin(program, {
      address: parseAddress("127.0.0.1:0", { minPort: 0 }),
      events: program.events,
      page: await (page ??= loadPage()),
      log: getLogger("iawlb"),
      ...(state.as && { token: TOKEN, readerToken: READER_TOKEN }),
      limits: {
        closePatience: 0,
        ...(watched && { eventInterval: 20, snapshotAge: 0 }),
      },
    });
    const borrowed = place instanceof Tab;
    const tab = borrowed ? place : await Tab.blank({}, place);
    const stage = new Stage(tab, { program, server, borrowed });
    try {
      await stage.turn({ scheme: "light", size: "desk" });
      await tab.visit(`http://${server.address}/`);
      await stage.#arrive(state);
      if (watched) {
        await until(() => program.now >= 0, "five minutes have passed");
      }
      await stage.#act(state);
    } catch (error) {
      await stage[Symbol.asyncDispose]();
      throw error;
    }
    return stage;
  }

  /** Turns to another scheme or size. */
  async turn(options: { scheme?: typeof SCHEMES[number]; size?: keyof typeof SIZES }) {
    const { scheme, size } = options;
    if (scheme) await this.tab.page.emulateMedia({ colorScheme: scheme });
    if (size) await this.tab.page.setViewportSize(SIZES[size]);
    // What is drawn follows the size a frame later.
    await this.tab.page.evaluate(() =>
      new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#borrowed) await this.tab[Symbol.asyncDispose]();
    await this.#server.close();
  }

  async #arrive({ as }: PageState): Promise<void> {
    const { page } = this.tab;
    if (as) {
      this.tab.forgive(/status of 401/);
      await page.getByLabel("Token").waitFor();
    }
    if (as === "stranger") return;
    if (as) {
      await page.getByLabel("Token").fill(as === "wrong" ? "not-the-token" : READER_TOKEN);
      await page.keyboard.press("Enter");
    }
    if (as === "wrong") await this.tab.shows("#token-error", /./);
    else await page.locator("body[data-loaded]").waitFor();
  }

  async #act({ then }: PageState): Promise<void> {
    const { page } = this.tab;
    if (then === "lost" || then === "ended") {
      await this.#server.close();
      await page.locator(`body[data-link="${then}"]`).waitFor();
    }
    if (then === "sessions") {
      await page.getByText("List live sessions").click();
      await page.locator("#sessions-list tr").first().waitFor();
    }
    if (then === "day") await page.getByText("24 h", { exact: true }).click();
    if (then === "adding") await page.getByText("Add a destination").click();
    if (then === "menu") await page.getByRole("button", { name: "old: Drain" }).click();
    if (then === "in-force") {
      await page.getByText("In force", { exact: true }).click();
      await page.getByText("Settings of the program").click();
    }
    if (then === "question") {
      await page.getByRole("button", { name: "Program" }).click();
      await page.getByRole("menuitem", { name: "Drain and end…" }).click();
      await page.getByRole("dialog").waitFor();
    }
  }
}

/** Seconds that somebody has looked on who did so for as long as the charts show. */
const WATCHED_S = 290;
