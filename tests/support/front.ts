import { fail } from "@std/assert";
import { getLogger } from "@logtape/logtape";
import { LocalBalancer } from "../../src/balancer/local_balancer.ts";
import { nameOf } from "../../src/config/config.ts";
import type { OptionName } from "../../src/config/options.ts";
import { Numbers } from "../../src/program/destination_numbers.ts";
import { configOf } from "./config.ts";
import { joined } from "./proxy_headers.ts";
import { RecordedAccess } from "./recorded_access.ts";
import { readAll, writeAll } from "./servers.ts";

type Options = Partial<Record<OptionName, string>>;

/** A balancer in this process behind somebody who sends PROXY headers. */
export class Front implements AsyncDisposable {
  readonly balancer: LocalBalancer;
  readonly #destinations: readonly string[];
  readonly #options: Options;
  readonly #access: RecordedAccess;

  private constructor(
    balancer: LocalBalancer,
    given: { destinations: readonly string[]; options: Options },
    access: RecordedAccess,
  ) {
    this.balancer = balancer;
    this.#destinations = given.destinations;
    this.#options = given.options;
    this.#access = access;
  }

  /** Starts one that expects headers from loopback, unless the options say otherwise. */
  static async start(destinations: readonly string[], given: Options = {}): Promise<Front> {
    const options: Options = { acceptProxy: "127.0.0.0/8", logFormat: "json", ...given };
    const config = configOf(["127.0.0.1:0", ...destinations], options);
    const access = new RecordedAccess(config);
    const balancer = await LocalBalancer.start(config, {
      identity: { id: 1, name: nameOf(config), numbers: new Numbers(config).byKey },
      log: getLogger(["test", "front"]),
      access: access.log,
    });
    return new Front(balancer, { destinations, options }, access);
  }

  get port(): number {
    return Number(this.balancer.address.split(":").at(-1));
  }

  /** How the sessions ended, by reason. */
  get ended(): Record<string, number> {
    return this.balancer.status().ended;
  }

  /** How many sessions are being greeted. */
  get greeting(): number {
    return this.balancer.status().greeting;
  }

  /** A connection that has sent nothing. */
  connect(): Promise<Deno.TcpConn> {
    return Deno.connect({ hostname: "127.0.0.1", port: this.port });
  }

  /** Sends these pieces, finishes sending, and gives what comes back as text. */
  async send(...pieces: (string | Uint8Array)[]): Promise<string> {
    using conn = await this.connect();
    for (const piece of pieces) await writeAll(conn, joined(piece));
    await conn.closeWrite();
    return new TextDecoder().decode(await readAll(conn).catch(() => new Uint8Array()));
  }

  /** Goes over to other options. */
  reconfigure(options: Options): Promise<void> {
    return this.goOver(this.#destinations, options);
  }

  /** Goes over to other destinations. */
  goOver(destinations: readonly string[], options: Options = {}): Promise<void> {
    const addresses = ["127.0.0.1:0", ...destinations];
    const config = configOf(addresses, { ...this.#options, ...options });
    return this.balancer.reconfigure(config, { numbers: new Numbers(config).byKey });
  }

  /** The access log so far. */
  // deno-lint-ignore no-explicit-any -- tests pick what they look at
  entries(): Promise<any[]> {
    return this.#access.entries();
  }

  /** Ends it, and looks whether its totals add up. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.balancer.quit();
    await this.#access.log.close();
    const { totals } = this.balancer;
    if (!totals.balanced) fail(`the totals do not add up: ${JSON.stringify(totals)}`);
  }
}
