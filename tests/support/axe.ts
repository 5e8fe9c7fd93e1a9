/// <reference lib="dom" />
import axe from "axe-core";
import type { Page } from "playwright-core";

/** What axe says about something. */
export interface Finding {
  rule: string;
  impact: string;
  help: string;
  /** What it is about, at most {@linkcode NAMED} of them. */
  nodes: { target: string; html: string; why: string }[];
  /** How many it is about. */
  number: number;
}

/** Most elements of a finding that are told. */
const NAMED = 3;

/** What axe finds wrong with the page as it is now. */
export async function findings(page: Page, options: { rules?: string[] } = {}): Promise<Finding[]> {
  if (!await page.evaluate(() => "axe" in globalThis)) await page.evaluate(axe.source);
  return await page.evaluate(async ({ rules, named }) => {
    const { axe } = globalThis as unknown as { axe: typeof import("axe-core") };
    const { violations } = await axe.run(document, {
      resultTypes: ["violations"],
      preload: false,
      ...(rules && { runOnly: rules }),
    });
    return violations.map(({ id, impact, help, nodes }) => ({
      rule: id,
      impact: impact ?? "minor",
      help,
      number: nodes.length,
      nodes: nodes.slice(0, named).map(({ target, html, any, all, none }) => ({
        target: target.join(" "),
        html: html.slice(0, 160),
        why: [...any, ...all, ...none].map(({ message }) => message).join("; "),
      })),
    }));
  }, { rules: options.rules, named: NAMED });
}

/** Whether something that axe finds keeps people from using the page. */
export function isSerious({ impact }: Finding): boolean {
  return impact === "serious" || impact === "critical";
}

/** What can be pressed and is smaller than a finger, in pixels: 44 each way. */
export function smallTargets(page: Page): Promise<string[]> {
  return page.evaluate((least) => {
    const pressable = "a[href], button, summary, input, select, textarea, " +
      "[role=button], [role=menuitem], [role=menuitemradio], [role=option], [role=radio]";
    return [...document.querySelectorAll<HTMLElement>(pressable)].flatMap((element) => {
      const whole = element.closest("label") ?? element;
      const { width, height } = whole.getBoundingClientRect();
      // What cannot be seen, or only once it has the focus, has nothing to press.
      const seen = element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) &&
        getComputedStyle(element).clipPath === "none" && width > 1;
      // A word in a sentence is as high as its line.
      const inText = element.matches("a") && getComputedStyle(element).display === "inline" &&
        element.closest("p") !== null;
      if (!seen || inText || (width >= least && height >= least)) return [];
      const name = element.getAttribute("aria-label") ?? element.textContent?.trim() ?? "";
      const what = `${element.tagName.toLowerCase()}${element.id ? `#${element.id}` : ""}`;
      return [`${what} "${name.slice(0, 40)}" ${Math.round(width)} × ${Math.round(height)}`];
    });
  }, 44);
}

/** What moves, or would, on the page: elements with an animation or a transition that lasts. */
export function moving(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const lasts = (durations: string) =>
      durations.split(",").some((one) => Number.parseFloat(one) > 0.001);
    return [...document.querySelectorAll("*")].flatMap((element) =>
      [undefined, "::before", "::after"].flatMap((part) => {
        const style = getComputedStyle(element, part);
        const moves = (style.animationName !== "none" && lasts(style.animationDuration)) ||
          lasts(style.transitionDuration) || style.scrollBehavior === "smooth";
        return moves ? [`${element.tagName.toLowerCase()}.${element.className}${part ?? ""}`] : [];
      })
    );
  });
}

/** Rows of destinations with more than one stop of the tab key, each with its stops. */
export function crowdedRows(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const focusable = "a[href], button, input, select, textarea, summary, [tabindex]";
    return [...document.querySelectorAll(".destinations tbody tr")]
      .flatMap((row) => {
        const stops = [...row.querySelectorAll<HTMLElement>(focusable)].filter((one) =>
          one.tabIndex >= 0 && one.checkVisibility({ visibilityProperty: true }) &&
          !one.matches(":disabled")
        );
        if (stops.length <= 1) return [];
        return [
          `${row.getAttribute("data-id")}: ${stops.map((one) => one.textContent).join(", ")}`,
        ];
      });
  });
}
