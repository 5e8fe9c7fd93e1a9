import { find } from "./packaged_servers.ts";
import { freePort, until } from "./servers.ts";

/** A sample of the answer to a query. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

/** A real Prometheus on loopback that looks at one program four times a second. */
export class Prometheus implements AsyncDisposable {
  /** Whether it is installed. */
  static readonly isPossible = find("prometheus") !== undefined;

  readonly #folder: string;
  readonly #child: Deno.ChildProcess;
  readonly #url: string;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#url = `http://127.0.0.1:${port}`;
    this.#child = new Deno.Command("prometheus", {
      args: [
        `--config.file=${folder}/prometheus.yml`,
        `--storage.tsdb.path=${folder}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
        "--log.level=error",
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  /**
   * Starts one.
   *
   * @param options.target Whose metrics it takes, of a job that is called iawlb.
   * @param options.rules A file with its rules.
   */
  static async start({ target, rules }: { target: string; rules: string }): Promise<Prometheus> {
    const folder = Deno.makeTempDirSync({ prefix: "iawlb-prometheus-" });
    Deno.writeTextFileSync(
      `${folder}/prometheus.yml`,
      JSON.stringify({
        global: { scrape_interval: "250ms", evaluation_interval: "250ms" },
        rule_files: [rules],
        scrape_configs: [{ job_name: "iawlb", static_configs: [{ targets: [target] }] }],
      }),
    );
    const one = new Prometheus(folder, freePort());
    try {
      await until(() => one.#isReady(), "Prometheus is ready", 30_000);
    } catch (error) {
      await one[Symbol.asyncDispose]();
      throw error;
    }
    return one;
  }

  async #isReady(): Promise<boolean> {
    const response = await fetch(`${this.#url}/-/ready`).catch(() => undefined);
    await response?.body?.cancel();
    return response?.ok ?? false;
  }

  /**
   * What an expression is now.
   *
   * @throws {Error} If it is wrong.
   */
  async query(expression: string): Promise<readonly Sample[]> {
    const { result } = await this.#ask(`query?query=${encodeURIComponent(expression)}`);
    return result as readonly Sample[];
  }

  /** The rules, with what came of them. */
  async rules(): Promise<{ name: string; health: string; lastError?: string; state?: string }[]> {
    const { groups } = await this.#ask("rules") as { groups: { rules: never[] }[] };
    return groups.flatMap(({ rules }) => rules);
  }

  async #ask(what: string): Promise<Record<string, unknown>> {
    const answer = await (await fetch(`${this.#url}/api/v1/${what}`)).json();
    if (answer.status !== "success") throw new Error(`${what}: ${answer.error}`);
    return answer.data;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.status;
    await Deno.remove(this.#folder, { recursive: true });
  }
}
