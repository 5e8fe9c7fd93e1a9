import project from "../deno.json" with { type: "json" };
import { type Command, parseCommand } from "./command.ts";
import { FatalError, UsageError } from "./errors.ts";
import { guard } from "./guard.ts";
import { type Logs, openLogs } from "./log.ts";
import { runProgram } from "./program.ts";
import { readSettings, type Settings } from "./options.ts";

/** Runs the program to its end. Returns the exit status. */
export async function run(args: readonly string[]): Promise<number> {
  try {
    const [first, ...rest] = args;
    if (first === "top" || first === "ctl") {
      // The balancer itself needs nothing of it.
      const { runClient } = await import("./client/main.ts");
      await runClient(first, rest);
      return 0;
    }
    return await execute(await parseCommand(args));
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof FatalError)) throw error;
    console.error(error.message.replace(/^/gm, "iawlb: "));
    return error instanceof UsageError ? 2 : 1;
  }
}

/** What not every run needs is loaded when it is needed: the program is to be there at once. */
async function execute(command: Command): Promise<number> {
  switch (command.kind) {
    case "help":
      console.log((await import("./help.ts")).helpText().trimEnd());
      return 0;
    case "version":
      console.log(`iawlb ${project.version}`);
      return 0;
    case "print":
      console.log(command.text);
      return 0;
    case "demo":
      return await withLogs(readSettings(command.texts.options), async (logs) => {
        const { runDemo } = await import("./demo.ts");
        return await runDemo(logs, command.texts);
      });
    case "serve":
      return await withLogs(command.config.settings, async (logs) => {
        return await runProgram({ config: command.config, load: command.load, logs });
      });
  }
}

async function withLogs(
  settings: Settings,
  serve: (logs: Logs) => Promise<boolean>,
): Promise<number> {
  const logs = openLogs(settings);
  const unguard = guard(logs.log);
  try {
    return await serve(logs) ? 0 : 1;
  } finally {
    unguard();
    await logs.close();
  }
}
