import project from "../../deno.json" with { type: "json" };
import type { Command } from "./command.ts";
import { FatalError, UsageError } from "../base/errors.ts";
import type { Logs } from "../logging/logs.ts";
import type { Settings } from "../config/options.ts";
import { complain, print, surviveFileLimit } from "../base/output.ts";
import { Signals } from "../program/signals.ts";

/**
 * Runs the program to its end. Returns the exit status.
 *
 * Here everything is loaded when it is needed: a question to a running program, or for the version,
 * does not wait for the balancer.
 */
export async function run(args: readonly string[]): Promise<number> {
  try {
    surviveFileLimit();
    const [first, ...rest] = args;
    if (first === "top" || first === "ctl" || first === "send") {
      const { runClient } = await import("../client/main.ts");
      return await runClient(first, rest);
    }
    const signals = new Signals();
    const { parseCommand, parseServe } = await import("./command.ts");
    const command = first === "serve" ? await parseServe(rest) : await parseCommand(args);
    return await execute(command, signals);
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof FatalError)) throw error;
    complain(error.message.replace(/^/gm, "iawlb: "));
    return error instanceof UsageError ? 2 : 1;
  }
}

async function execute(command: Command, signals: Signals): Promise<number> {
  switch (command.kind) {
    case "help":
      print((await import("./help.ts")).helpText().trimEnd());
      return 0;
    case "version":
      print(`iawlb ${project.version}`);
      return 0;
    case "print":
      for (const warning of command.warnings ?? []) complain(`iawlb: warning: ${warning}`);
      print(command.text);
      return 0;
    case "converse": {
      if (command.service.settings.processes === "accept") {
        await (await import("../threads/process_main.ts")).serveAsProcess();
        return 0;
      }
      const { serveStandardStreams } = await import("../services/standard_streams.ts");
      await serveStandardStreams(command.service);
      return 0;
    }
    case "demo": {
      signals.holdStops();
      const { runDemo } = await import("../program/demo.ts");
      const { readSettings } = await import("../config/options.ts");
      const { texts } = command;
      return await withLogs(readSettings(texts.options), (logs) => {
        return runDemo({ logs, signals }, texts);
      });
    }
    case "serve": {
      const { runProgram } = await import("../program/program.ts");
      const { config, notes, load } = command;
      return await withLogs(config.settings, (logs) => {
        for (const note of notes) logs.log.info("{note}", { note });
        return runProgram({ config, load, logs, signals });
      });
    }
  }
}

async function withLogs(
  settings: Settings,
  serve: (logs: Logs) => Promise<boolean>,
): Promise<number> {
  const [{ openLogs }, { reportUncaughtErrors }] = await Promise.all([
    import("../logging/logs.ts"),
    import("../base/uncaught_errors.ts"),
  ]);
  const logs = openLogs(settings);
  const stopReporting = reportUncaughtErrors(logs.log);
  try {
    return await serve(logs) ? 0 : 1;
  } catch (error) {
    if (error instanceof UsageError || error instanceof FatalError) throw error;
    logs.log.error("the program ends by an error, which is a defect: {error}", { error });
    return 1;
  } finally {
    await logs.close();
    stopReporting();
  }
}
