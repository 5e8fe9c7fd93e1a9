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

/** A block of code in a page. */
export interface Block {
  readonly page: string;
  /** The line of the page that it begins in, from 1. */
  readonly line: number;
  /** What stands behind the first fence: `sh`, `console`, `toml`, … */
  readonly language: string;
  readonly text: string;
  /** The file that it is for the blocks of its page that are run. */
  readonly file?: string | undefined;
  /** Set if it is run: the programs that it needs. */
  readonly needs?: readonly string[] | undefined;
}

/** All blocks of code, with what the comment before each says of it. */
export function blocks(): Block[] {
  const pattern = /(?:<!-- (file|run)(?:: ([^>]*?))? -->\n\n)?^```(\w*)\n([^]*?)^```$/gm;
  return pages().flatMap(({ path, text }) => {
    return [...text.matchAll(pattern)].map((match): Block => {
      const [, mark, argument = "", language, code] = match;
      return {
        page: path,
        line: text.slice(0, match.index).split("\n").length + (mark ? 2 : 0),
        language: language!,
        text: code!,
        file: mark === "file" ? argument : undefined,
        needs: mark === "run" ? argument.split(" ").filter(Boolean) : undefined,
      };
    });
  });
}

/** The lines of a console block that somebody types. */
export function typed({ text }: Block): string[] {
  return text.split("\n").filter((line) => line.startsWith("$ ")).map((line) => line.slice(2));
}
