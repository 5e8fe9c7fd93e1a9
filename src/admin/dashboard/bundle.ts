import { LOWEST_BUCKET, PER_DOUBLING } from "../../operations/fine_counts.ts";
import { END_REASONS } from "../../operations/end_reasons.ts";

/** The scripts of the page, those first that the others build on. */
const SCRIPTS = [
  "format.js",
  "last_error.js",
  "history.js",
  "past.js",
  "listener_facts.js",
  "queue_facts.js",
  "slots.js",
  "failed_lately.js",
  "troubles.js",
  "verdict.js",
  "dom.js",
  "in_view.js",
  "draw.js",
  "api.js",
  "rights.js",
  "menu.js",
  "connection.js",
  "dialogs.js",
  "config_source.js",
  "actions.js",
  "presence.js",
  "events_view.js",
  "sparkline.js",
  "overview_view.js",
  "destination_facts.js",
  "flow.js",
  "bulk.js",
  "add_form.js",
  "destination_tools.js",
  "destination_view.js",
  "destinations_view.js",
  "scale.js",
  "chart_view.js",
  "charts_view.js",
  "queue_view.js",
  "ended_facts.js",
  "reasons_view.js",
  "config_facts.js",
  "config_view.js",
  "listener_view.js",
  "sessions_view.js",
  "verdict_view.js",
  "main.js",
];

/** Its styles; where two say something of the same, the later one counts. */
const STYLES = [
  "page.css",
  "upper.css",
  "menus.css",
  "destinations.css",
  "dense.css",
  "below.css",
  "states.css",
];

/** The dashboard as one document that asks nobody else for anything. */
export interface Page {
  /** HTML. */
  body: string;
  /** The header of that name to send with it: it runs and asks for nothing but its own. */
  contentSecurityPolicy: string;
}

/**
 * Puts the dashboard together from the files in `page/`, which the standalone binary has in it.
 *
 * @throws {Deno.errors.NotFound} If a file is missing, which is a mistake in how the program was made.
 */
export async function loadPage(): Promise<Page> {
  const [html, styles, scripts] = await Promise.all([
    read("page.html"),
    Promise.all(STYLES.map(read)),
    Promise.all(SCRIPTS.map(read)),
  ]);
  const style = styles.join("");
  const script = scripts.map(withoutModules).join("");
  const constants = JSON.stringify({
    fineness: { perDoubling: PER_DOUBLING, lowest: LOWEST_BUCKET },
    reasons: Object.fromEntries(
      Object.entries(END_REASONS).map(([reason, { help, outcome }]) => [reason, { help, outcome }]),
    ),
  });
  const body = [
    ["<style></style>", `<style>${style}</style>`],
    ['id="constants"></script>', `id="constants">${constants.replaceAll("<", "\\u003c")}</script>`],
    ['<script type="module"></script>', `<script type="module">${script}</script>`],
  ].reduce((text, [empty, full]) => text.replace(empty!, () => full!), html);
  const policy = [
    "default-src 'none'",
    `style-src '${await hash(style)}'`,
    `script-src '${await hash(script)}'`,
    "connect-src 'self'",
    // The icon of the tab is drawn by the page.
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return { body, contentSecurityPolicy: policy.join("; ") };
}

function read(name: string): Promise<string> {
  return Deno.readTextFile(new URL(`page/${name}`, import.meta.url));
}

/**
 * A module as a part of the one script of the page: all of them share its scope, where the names that
 * they would import are.
 */
function withoutModules(source: string): string {
  return source.replace(/^import [^;]*;\n/gm, "").replace(/^export /gm, "");
}

/** The source expression of a content security policy that allows exactly this inline text. */
async function hash(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return `sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}`;
}
