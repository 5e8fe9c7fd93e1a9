import project from "../../deno.json" with { type: "json" };
import type { Reading } from "./arguments.ts";
import type { Command } from "./command.ts";
import { FatalError, messageOf, UsageError } from "../base/errors.ts";
import { STARTER_VARIABLE } from "../program/daemon/messages.ts";
import type { Starter } from "../program/daemon/started.ts";
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
export async function run(given: readonly string[]): Promise<number> {
  const args = given[0] === "help" ? [...given.slice(1), "--help"] : given;
  let starter: Starter | undefined;
  try {
    surviveFileLimit();
    const [first, ...rest] = args;
    if (first === "top" || first === "ctl" || first === "send") {
      const { runClient } = await import("../client/main.ts");
      return await runClient(first, rest);
    }
    if (first === "init") return await (await import("./init.ts")).runInit(rest);
    const signals = new Signals();
    starter = await findStarter();
    const command = await parse(args, { folder: starter?.folder });
    if (command.kind !== "one-client" && !Deno.stdin.isTerminal() && await belongsToClient(args)) {
      throw new UsageError(
        "-i: what is asked for is no client served, and there is no terminal to show it at",
      );
    }
    return await execute(command, { args, signals, starter });
  } catch (error) {
    if (error instanceof UsageError || error instanceof FatalError) {
      await tell(error.message.replace(/^/gm, "iawlb: "), { args, starter });
      return error instanceof UsageError ? 2 : 1;
    }
    const text = `iawlb: ended by an error, which is a defect: ${messageOf(error)}`;
    if (await belongsToClient(args)) {
      await tell(text, { args, starter });
      return 1;
    }
    // What the runtime says of it goes to standard error, which a daemon does not have.
    await starter?.complain(text);
    throw error;
  } finally {
    starter?.close();
  }
}

/** Tells whoever has started the program why it ends. */
async function tell(
  text: string,
  { args, starter }: { args: readonly string[]; starter: Starter | undefined },
): Promise<void> {
  if (starter) await starter.complain(text);
  else if (!await belongsToClient(args)) complain(text);
  else await (await import("./run_one_client.ts")).tellQuietly(text);
}

/** Whether the standard descriptors are the client, to whom nothing is told. */
async function belongsToClient(args: readonly string[]): Promise<boolean> {
  return (await import("./one_client.ts")).isForOneClient(args);
}

async function parse(args: readonly string[], reading: Reading): Promise<Command> {
  const { parseCommand, parseInetd, parseServe } = await import("./command.ts");
  const [first, ...rest] = args;
  if (first === "serve") return await parseServe(rest, reading);
  return first === "inetd" ? await parseInetd(rest, reading) : await parseCommand(args, reading);
}

/** Who has started this process anew, for another user or as a daemon. */
async function findStarter(): Promise<Starter | undefined> {
  if (Deno.env.get(STARTER_VARIABLE) === undefined) return undefined;
  return await (await import("../program/daemon/started.ts")).Starter.find();
}

/** What a command is carried out with. */
interface Surroundings {
  readonly args: readonly string[];
  readonly signals: Signals;
  readonly starter: Starter | undefined;
}

async function execute(
  command: Command,
  { args, signals, starter }: Surroundings,
): Promise<number> {
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
    case "one-client":
      return await (await import("./run_one_client.ts")).runOneClient({ ...command, signals });
    case "process": {
      if (command.service.settings.processes === "accept") {
        await (await import("../threads/process_main.ts")).serveAsProcess();
        return 0;
      }
      const { serveAsService } = await import("../services/service_process.ts");
      await serveAsService(command.service);
      return 0;
    }
    case "demo": {
      signals.holdStops();
      const { DEMO_OPTIONS, runDemo } = await import("../program/demo.ts");
      const { readSettings } = await import("../config/options.ts");
      const { texts, tour } = command;
      return await withLogs(readSettings({ ...DEMO_OPTIONS, ...texts.options }), (logs) => {
        return runDemo({ logs, signals, tour }, texts);
      });
    }
    case "serve": {
      const { config: { settings } } = command;
      const passed = await claimPassed();
      if (!starter && isPlaced(settings)) {
        const { restartFor, startAnew } = await import("../program/daemon/starter.ts");
        const restart = restartFor(settings, args);
        if (restart && passed.length > 0) throw passedElsewhere(settings, passed);
        if (restart) return await startAnew(restart, signals);
      }
      return await serve(command, { args, signals, starter });
    }
  }
}

/** The addresses of sockets that were passed to this process. */
async function claimPassed(): Promise<readonly string[]> {
  if (Deno.env.get("LISTEN_FDS") === undefined) return [];
  return await (await import("../net/passed/claim.ts")).claimPassedSockets();
}

function passedElsewhere({ daemon }: Settings, passed: readonly string[]): UsageError {
  return new UsageError(
    `${daemon ? "--daemon" : "--user, --group"}: ${passed.join(", ")} was passed to this very ` +
      "process (LISTEN_PID), which would start another one; must be without: the service manager " +
      "does that (User= in the unit)",
  );
}

/** Whether something has to be done about the process itself before it serves. */
function isPlaced({ daemon, user, group, pidFile, umask }: Settings): boolean {
  return daemon || user !== null || group !== null || pidFile !== "" || umask !== null;
}

async function serve(
  { config, notes, load }: Command & { kind: "serve" },
  { signals, starter }: Surroundings,
): Promise<number> {
  const { settings } = config;
  // What it has of the system by then is given back.
  if (isPlaced(settings)) signals.holdStops();
  const [{ runProgram }, place] = await Promise.all([
    import("../program/program.ts"),
    isPlaced(settings)
      ? (await import("../program/daemon/place.ts")).Place.take(settings, {
        daemon: starter?.folder !== undefined,
        async warn(text) {
          const line = `iawlb: warning: ${text}`;
          if (starter) await starter.complain(line);
          else complain(line);
        },
      })
      : undefined,
  ]);
  try {
    return await withLogs(settings, async (logs) => {
      for (const note of notes) logs.log.info("{note}", { note });
      await place?.tell(logs.log);
      const onReady = starter && (() => starter.serving());
      const succession = place?.succession;
      try {
        return await runProgram({
          config,
          load,
          logs,
          signals,
          ...(onReady && { onReady }),
          ...(succession && { succession }),
        });
      } finally {
        await place?.leave(logs.log);
      }
    });
  } finally {
    await place?.leave();
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
