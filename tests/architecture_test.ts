import { assert, assertEquals } from "@std/assert";

const SOURCES = new URL("../src/", import.meta.url);

/**
 * The rooms of `src/`, from the top: a module imports from its own room and from those below. Where
 * `sees` is given, only from those of them.
 */
const ROOMS: readonly { room: string; sees?: readonly string[] }[] = [
  { room: "cli" },
  { room: "program" },
  { room: "client", sees: ["operations", "config", "net", "async", "base"] },
  {
    room: "admin",
    sees: ["operations", "config", "net", "logging", "telemetry", "async", "base"],
  },
  { room: "threads" },
  { room: "balancer" },
  { room: "logging" },
  { room: "destinations" },
  { room: "session" },
  { room: "services" },
  { room: "config" },
  { room: "telemetry" },
  { room: "net" },
  { room: "operations" },
  { room: "async" },
  { room: "base" },
];

/** Most lines of a module. */
const LONGEST = 300;

/** A module with what it imports from `src/`; both by their paths there. */
interface Module {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const modules = await readModules();

Deno.test("imports run down the rooms, never up", () => {
  const rank = new Map(ROOMS.map(({ room }, index) => [room, index]));
  const wrong: string[] = [];
  for (const { path, imports } of modules) {
    const { sees } = ROOMS[rank.get(roomOf(path))!]!;
    for (const other of imports) {
      const [from, to] = [roomOf(path), roomOf(other)];
      const seen = from === to || (rank.get(from)! < rank.get(to)! && (sees?.includes(to) ?? true));
      if (!seen) wrong.push(`${path} imports ${other}`);
    }
  }
  assertEquals(wrong, []);
});

Deno.test("every module stands in a room", () => {
  const known = ROOMS.map(({ room }) => room);
  const strays = modules.filter(({ path }) => !known.includes(roomOf(path)));
  assertEquals(strays.map(({ path }) => path), []);
});

Deno.test("no module imports itself, however far around", () => {
  const imports = new Map(modules.map((one) => [one.path, one.imports]));
  const finished = new Set<string>();
  function visit(path: string, way: readonly string[]): void {
    assert(!way.includes(path), [...way.slice(way.indexOf(path)), path].join(" → "));
    if (finished.has(path)) return;
    for (const next of imports.get(path)!) visit(next, [...way, path]);
    finished.add(path);
  }
  for (const path of imports.keys()) visit(path, []);
});

Deno.test("no module only passes on what others export", () => {
  const barrels = modules.filter(({ text }) => {
    const rest = text.replace(/\/\*[^]*?\*\/|\/\/.*$|^export [^;]*? from "[^"]*";$/gm, "").trim();
    return rest === "";
  });
  assertEquals(barrels.map(({ path }) => path), []);
});

Deno.test("every module is short enough for one idea", () => {
  const long = modules.map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }))
    .filter(({ lines }) => lines > LONGEST);
  assertEquals(long, []);
});

Deno.test("main.ts only starts the program", async () => {
  const text = await Deno.readTextFile(new URL("../main.ts", import.meta.url));
  assertEquals(text.trim().split("\n").length, 3);
});

function roomOf(path: string): string {
  return path.split("/", 1)[0]!;
}

async function readModules(): Promise<Module[]> {
  const found: Module[] = [];
  for await (const url of scripts(SOURCES)) {
    const text = await Deno.readTextFile(url);
    // Also types in the comments of JavaScript, and modules that are loaded when they are needed.
    const specifiers = text.matchAll(/\b(?:from|import)\s*\(?\s*"(\.\.?\/[^"]+)"/g);
    const imports = [...specifiers].map(([, specifier]) => new URL(specifier!, url).href)
      .filter((href) => href.startsWith(SOURCES.href))
      .map((href) => href.slice(SOURCES.href.length));
    found.push({ path: url.href.slice(SOURCES.href.length), text, imports });
  }
  return found;
}

async function* scripts(folder: URL): AsyncGenerator<URL> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* scripts(new URL(`${name}/`, folder));
    else if (/\.[jt]s$/.test(name)) yield new URL(name, folder);
  }
}
