import { getLogger } from "@logtape/logtape";
import { LocalBalancer } from "../../src/balancer/local_balancer.ts";
import type { OptionName } from "../../src/config/options.ts";
import { Numbers } from "../../src/program/destination_numbers.ts";
import { configOf } from "./config.ts";

const log = getLogger(["test", "balancer"]);

/** A balancer in this process, on a free port of loopback. */
export class TestBalancer implements AsyncDisposable {
  private constructor(
    readonly balancer: LocalBalancer,
    readonly addresses: readonly [listen: string, ...destinations: string[]],
  ) {}

  /** @param listen On which address of loopback it listens. */
  static async start(
    destinations: readonly string[],
    options: Partial<Record<OptionName, string>> = {},
    listen = "127.0.0.1:0",
  ): Promise<TestBalancer> {
    const config = configOf([listen, ...destinations], options);
    const identity = { id: 1, name: "test", numbers: new Numbers(config).byKey };
    const balancer = await LocalBalancer.start(config, { identity, log });
    return new TestBalancer(balancer, [listen, ...destinations]);
  }

  get port(): number {
    return Number(this.balancer.address.split(":").at(-1));
  }

  get status() {
    return this.balancer.status();
  }

  /** Goes over to other options, those that are not given to their defaults. */
  async reconfigure(options: Partial<Record<OptionName, string>>): Promise<void> {
    const config = configOf(this.addresses, options);
    await this.balancer.reconfigure(config, { numbers: new Numbers(config).byKey });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.balancer.quit();
  }
}
