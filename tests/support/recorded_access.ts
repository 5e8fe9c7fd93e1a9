import { fail } from "@std/assert";
import type { Config } from "../../src/config/config.ts";
import { AccessLog } from "../../src/logging/access_log.ts";
import { Losses } from "../../src/logging/losses.ts";

/** An access log in memory, of which `lines` are read. */
export class RecordedAccess {
  readonly log: AccessLog;
  readonly #lines: string[] = [];

  constructor(config: Config) {
    const lines = this.#lines;
    this.log = new AccessLog(config, {
      forward: {
        write(bytes) {
          lines.push(...new TextDecoder().decode(bytes).trimEnd().split("\n"));
          return Promise.resolve(bytes.length);
        },
      },
      openSyslog: () => fail("no syslog here"),
      stream: () => fail("no stream here"),
      losses: new Losses(() => fail("nothing is lost")),
    });
  }

  /** The entries so far, of a log whose format is JSON. */
  // deno-lint-ignore no-explicit-any -- tests pick what they look at
  async entries(): Promise<any[]> {
    await this.log.flush();
    return this.#lines.map((line) => JSON.parse(line));
  }
}
