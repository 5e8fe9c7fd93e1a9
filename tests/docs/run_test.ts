// Runs the blocks of the pages that are marked with <!-- run -->.
import { assert, assertEquals } from "@std/assert";
import { blocks, typed } from "../support/doc_pages.ts";
import { pathOf } from "../support/real_servers.ts";
import { unless } from "../support/unless.ts";
import { freePort } from "../support/servers.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const BINARY = Deno.env.get("IAWLB_BINARY");
const ALL = blocks();
const RUN = ALL.filter(({ needs }) => needs !== undefined);

/** How long a block may take, in milliseconds. */
const MOST_MS = 90_000;

/** Ports as the pages have them, where no digit or dot is beside them. */
const PORT = /(?<![\w.])(?:5432|6379|80\d\d|90\d\d)(?![\w.])/g;

for (const block of RUN) {
  const missing = block.needs!.filter((name) => pathOf(name) === undefined);
  Deno.test({
    ...unless(`${block.page}:${block.line} does what it says`, {
      [`there is no ${missing.join(", no ")}`]: missing.length > 0,
      "this is not Linux": Deno.build.os !== "linux",
    }),
    fn: async () => {
      await using sandbox = await Sandbox.of(block.page);
      if (block.language === "sh") {
        const { success, output } = await sandbox.run(`set -e\n${block.text}`);
        assert(success, output);
      } else {
        let shown = "";
        for (const line of typed(block)) {
          shown += `$ ${line}\n${(await sandbox.run(line)).output}`;
        }
        assertEquals(shown, block.text);
      }
    },
  });
}

Deno.test("a block that does something else than it says fails", async () => {
  await using sandbox = await Sandbox.of("README.md");
  assertEquals((await sandbox.run("set -e\niawlb --wokers 4; true")).success, false);
  assertEquals((await sandbox.run("echo $PATH; exit 3")).success, false);
  const { success, output } = await sandbox.run("iawlb 8080 9001 --check-config");
  assertEquals([success, output], [true, "the command line is fine: 1 listener, 1 destination\n"]);
});

Deno.test("some blocks are run", () => {
  assert(RUN.length > 4, `${RUN.length}`);
});

/** A free port whose number plus 1000 is one, too, as examples/postgres.sh wants it. */
function freePair(): number {
  for (;;) {
    const port = freePort();
    if (port >= 31_000) continue;
    try {
      using _other = Deno.listen({ hostname: "127.0.0.1", port: port + 1000 });
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

/** A folder with the files of a page, and the program under its name. */
class Sandbox implements AsyncDisposable {
  readonly #folder: string;
  /** The port that stands for each one of the pages. */
  readonly #ports = new Map<string, string>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async of(page: string): Promise<Sandbox> {
    const folder = await Deno.makeTempDir({ prefix: "iawlb-docs-" });
    const program = BINARY ?? `${Deno.execPath()} run --quiet -P ${ROOT}main.ts`;
    await Deno.mkdir(`${folder}/bin`);
    await Deno.writeTextFile(`${folder}/bin/iawlb`, `#!/bin/sh\nexec ${program} "$@"\n`, {
      mode: 0o755,
    });
    await Deno.mkdir(`${folder}/place`);
    await Deno.symlink(`${ROOT}examples`, `${folder}/place/examples`);
    for (const { file, text } of ALL.filter((block) => block.page === page)) {
      if (file !== undefined) await Deno.writeTextFile(`${folder}/place/${file}`, text);
    }
    return new Sandbox(folder);
  }

  /** Runs a script to its end, with free ports, and ends what it has left in the background. */
  async run(script: string): Promise<{ success: boolean; output: string }> {
    const text = script.replace(PORT, (port) => this.#portFor(port));
    // Whatever it starts ends also if nobody waits for it any more: then its standard input ends.
    const watched = "{ read -r _; kill 0; } <&0 >/dev/null 2>&1 & disown\nexec 2>&1 </dev/null\n";
    const tidy = `trap 'jobs -p | xargs -r kill 2>/dev/null || true; wait' EXIT\n`;
    const child = new Deno.Command("timeout", {
      args: ["--signal=KILL", `${MOST_MS / 1000}`, "bash", "-c", watched + tidy + text],
      cwd: `${this.#folder}/place`,
      env: {
        PATH: `${this.#folder}/bin:${Deno.env.get("PATH")}`,
        IAWLB: `${this.#folder}/bin/iawlb`,
        PGPORT: `${freePair()}`,
      },
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const { success, stdout } = await child.output();
    await child.stdin.close();
    return { success, output: this.#withPorts(new TextDecoder().decode(stdout)) };
  }

  #portFor(port: string): string {
    const known = this.#ports.get(port);
    if (known !== undefined) return known;
    const free = `${freePort()}`;
    this.#ports.set(port, free);
    return free;
  }

  /** A text with the ports of the page again. */
  #withPorts(text: string): string {
    for (const [port, free] of this.#ports) text = text.replaceAll(free, port);
    return text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}
