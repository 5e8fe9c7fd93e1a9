import project from "../deno.json" with { type: "json" };
import { type Command, parseCommand } from "./command.ts";
import { runDemo } from "./demo.ts";
import { FatalError, UsageError } from "./errors.ts";
import { guard } from "./guard.ts";
import { helpText } from "./help.ts";
import { Instance } from "./instance.ts";
import { type Logs, openLogs } from "./log.ts";
import { readSettings, type Settings } from "./options.ts";
import { describeStatus, openServiceManager } from "./service_manager.ts";
import { serveUntilSignalled } from "./signals.ts";

/** Runs the program to its end. Returns the exit status. */
export async function run(args: readonly string[]): Promise<number> {
  try {
    return await execute(await parseCommand(args));
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof FatalError)) throw error;
    console.error(error.message.replace(/^/gm, "iawlb: "));
    return error instanceof UsageError ? 2 : 1;
  }
}

async function execute(command: Command): Promise<number> {
  switch (command.kind) {
    case "help":
      console.log(helpText().trimEnd());
      return 0;
    case "version":
      console.log(`iawlb ${project.version}`);
      return 0;
    case "print":
      console.log(command.text);
      return 0;
    case "demo":
      return await withLogs(
        readSettings(command.texts.options),
        (logs) => runDemo(logs, command.texts),
      );
    case "serve":
      return await withLogs(command.config.settings, async (logs) => {
        const { config, load } = command;
        return await serve(await Instance.start({ config, load, logs }), logs);
      });
  }
}

/** Serves to the end, and lets the service manager know, if one started the program. */
async function serve(instance: Instance, logs: Logs): Promise<boolean> {
  const manager = openServiceManager(Deno.env, {
    describe: async () => describeStatus(await instance.status()),
    onError(message) {
      logs.log.warning("the service manager cannot be told how the program is: {message}", {
        message,
      });
    },
  });
  if (manager) instance.tellTo(manager);
  try {
    return await serveUntilSignalled(instance, logs);
  } finally {
    await manager?.close();
  }
}

async function withLogs(
  settings: Settings,
  serve: (logs: Logs) => Promise<boolean>,
): Promise<number> {
  const logs = await openLogs(settings);
  const unguard = guard(logs.log);
  try {
    return await serve(logs) ? 0 : 1;
  } finally {
    unguard();
    await logs.close();
  }
}
