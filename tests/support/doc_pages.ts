const ROOT = new URL("../../", import.meta.url);

/** A page of the documentation. */
export interface Page {
  /** Its path in the repository. */
  readonly path: string;
  readonly text: string;
}

/** All pages for people: those at the top, and those in docs/. */
export function pages(): Page[] {
  const docs = [...Deno.readDirSync(new URL("docs/", ROOT))].map(({ name }) => `docs/${name}`);
  const paths = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", ...docs.sort()];
  return paths.filter((path) => path.endsWith(".md")).map((path) => {
    return { path, text: Deno.readTextFileSync(new URL(path, ROOT)) };
  });
}

/** The text of one page. */
export function page(path: string): string {
  const found = pages().find((page) => page.path === path);
  if (!found) throw new Error(`there is no page ${path}`);
  return found.text;
}

/** A page without its blocks of code. */
export function prose(text: string): string {
  return text.replace(/^```[^]*?^```$/gm, "");
}

/** What links to the sections of a page are called, as forges make them of its headings. */
export function anchors(text: string): Set<string> {
  const headings = prose(text).matchAll(/^#+ (.*)$/gm);
  return new Set([...headings].map(([, heading]) => {
    const words = heading!.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    return words.replace(/[^\p{L}\p{N}\s_-]/gu, "").trim().replaceAll(" ", "-");
  }));
}

/** Whether a path of the repository is there. */
export function isThere(path: string): boolean {
  try {
    return Boolean(Deno.statSync(new URL(path, ROOT)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
