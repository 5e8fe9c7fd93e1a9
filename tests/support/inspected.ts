import { serveAdmin } from "../../src/admin/server.ts";
import { ctl } from "../../src/client/ctl.ts";
import type { Config } from "../../src/config/config.ts";
import { RecentEvents } from "../../src/logging/recent_events.ts";
import { start } from "./instance.ts";
import { collectedLog } from "./logs.ts";
import { until } from "./servers.ts";

/** What those who look into sessions have to show. */
export const TOKEN = "the-token-of-who-looks-inside";

/** A program in this process with its admin API on a socket file, and commands that look into its sessions. */
export async function inspected(...listeners: [Config, ...Config[]]) {
  const { log, lines: logged } = collectedLog();
  const folder = await Deno.makeTempDir();
  const path = `${folder}/admin.sock`;
  const tokenFile = `${folder}/token`;
  await Deno.writeTextFile(tokenFile, TOKEN);
  const program = await start(...listeners);
  const admin = await serveAdmin(program.instance, {
    address: { transport: "unix", path },
    token: TOKEN,
    events: new RecentEvents(),
    log,
  });
  return {
    ...program,
    folder,
    /** The lines of the admin API in the log. */
    logged,
    /** Waits until so many have begun to look. */
    async looking(number: number): Promise<void> {
      const begun = () => logged.filter((line) => line.includes(" looks into the bytes of "));
      await until(() => begun().length === number, `${number} look`);
    },
    ports: program.instance.addresses.map((address) => Number(address.split(":").at(-1))),
    /** Runs a command to its end; what it has printed grows meanwhile. */
    ctl(...args: string[]) {
      const lines: string[] = [];
      const ended = ctl(
        [`unix:${path}`, "--token-file", tokenFile, ...args],
        (line) => lines.push(line),
      );
      return { lines, ended };
    },
    /** Waits until so many sessions are relayed. */
    async relayed(number: number): Promise<void> {
      await until(async () => {
        const all = await program.instance.sessions({ limit: 100 });
        return all.filter(({ stage }) => stage === "relaying").length === number;
      }, `${number} are relayed`);
    },
    async [Symbol.asyncDispose]() {
      await program[Symbol.asyncDispose]();
      await admin.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Waits until one of the lines matches; returns it. */
export async function told(lines: readonly string[], pattern: RegExp): Promise<string> {
  await until(() => lines.some((line) => pattern.test(line)), `a line is like ${pattern}`);
  return lines.find((line) => pattern.test(line))!;
}
