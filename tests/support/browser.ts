/// <reference lib="dom" />
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

/** Where Chromium may be, the environment first. */
const PATHS = [
  Deno.env.get("CHROMIUM") ?? "",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];

/** The Chromium of this machine, if it has one. */
export function findChromium(): string | undefined {
  return PATHS.find((path) => {
    try {
      return path !== "" && Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

/** Starts a browser, for several tabs. */
export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: findChromium()!,
    // Test machines run as root, where Chromium has no sandbox.
    args: ["--no-sandbox"],
  });
}

/** How a tab is opened. */
export type BrowserOptions = Pick<BrowserContextOptions, "colorScheme" | "viewport">;

/** A page in a real browser, which notes whatever it does that it should not. */
export class Tab implements AsyncDisposable {
  readonly page: Page;
  /** Errors, warnings and violations of the content security policy. */
  readonly complaints: string[] = [];
  /** Requests to anybody but the origins of the pages that were opened. */
  readonly strangers: string[] = [];
  /** What ends with the tab. */
  readonly #browser: Browser | undefined;
  readonly #origins = new Set<string>();

  private constructor(browser: Browser | undefined, page: Page) {
    this.#browser = browser;
    this.page = page;
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.complaints.push(message.text());
    });
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.on("request", (request) => {
      const { origin: asked, protocol } = new URL(request.url());
      if (!this.#origins.has(asked) && protocol !== "data:") this.strangers.push(request.url());
    });
  }

  /** Opens an address, in a browser of its own if none is given. */
  static async open(
    url: string,
    options: BrowserContextOptions = {},
    given?: Browser,
  ): Promise<Tab> {
    const tab = await Tab.blank(options, given);
    await tab.visit(url);
    return tab;
  }

  /** Opens nothing yet. */
  static async blank(options: BrowserContextOptions = {}, given?: Browser): Promise<Tab> {
    const browser = given ?? await launch();
    const context = await browser.newContext({ reducedMotion: "reduce", ...options });
    const page = await context.newPage();
    const tab = new Tab(given ? undefined : browser, page);
    await tab.page.addInitScript(() => {
      document.addEventListener(
        "securitypolicyviolation",
        (event) => console.error(`violates ${event.violatedDirective}: ${event.blockedURI}`),
      );
    });
    return tab;
  }

  /** Opens an address in the place of what is there. */
  async visit(url: string): Promise<void> {
    this.complaints.length = 0;
    this.strangers.length = 0;
    this.#origins.add(new URL(url).origin);
    await this.page.goto(url);
  }

  /** Takes back the complaints that a test has caused on purpose. */
  forgive(pattern: RegExp): void {
    const rest = this.complaints.filter((complaint) => !pattern.test(complaint));
    this.complaints.splice(0, Infinity, ...rest);
  }

  /** Waits until the text of an element matches. */
  async shows(selector: string, pattern: RegExp, timeout = 20_000): Promise<void> {
    const found = this.page.locator(selector).filter({ hasText: pattern }).first();
    await found.waitFor({ timeout });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close();
    await this.#browser?.close();
  }
}
