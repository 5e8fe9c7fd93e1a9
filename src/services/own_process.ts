import type { Logger } from "@logtape/logtape";
import type { ServiceAddress } from "../config/service_address.ts";
import { isOfProcesses, optionsOfService, SERVICE_OPTIONS } from "../config/options/service.ts";
import type { Option } from "../config/option.ts";
import { type ProcessEnd, ProcessStream } from "../net/process_stream.ts";

/** A process that was started, with the stream to it. */
export interface OwnProcess {
  readonly pid: number;
  readonly raw: ProcessStream;
}

/** What a process is started for. */
export interface OwnProcessOptions {
  log: Logger;
  /** Told when it has ended. */
  onEnd(): void;
}

/**
 * Starts this program once more, to be a service on its standard input and output, with the same
 * options, for one client after the other, as `serveInTurn` has it: `iawlb serve NAME -
 * --processes=pool`.
 *
 * It is in a session of the system's of its own, so that an interrupt from the keyboard does not reach
 * it: those who drain decide when it ends.
 *
 * @throws If it cannot be started, for want of memory, processes or descriptors.
 */
export function startProcess(
  address: ServiceAddress,
  { log, onEnd }: OwnProcessOptions,
): OwnProcess {
  const process = startOwn([
    ...["serve", address.service, "-", "--processes=pool"],
    ...flagsOf(address),
  ]);
  const { pid } = process;
  const raw = new ProcessStream(process, (end) => {
    onEnd();
    if (!end || end.success) return;
    const how = formatEnd(end);
    const { service } = address;
    log.warning("the process {pid} of {service} ended early: {how}", { pid, service, how });
  });
  return { pid, raw };
}

/**
 * Starts this program once more with such arguments, and pipes for its standard input and output.
 *
 * @throws If it cannot be started.
 */
export function startOwn(args: readonly string[]): Deno.ChildProcess {
  const [program, ...before] = ownCommand();
  return new Deno.Command(program!, {
    args: [...before, ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
    detached: true,
  }).spawn();
}

/** How this program is started: the standalone binary, or the runtime with the sources. */
export function ownCommand(): string[] {
  if (Deno.build.standalone) return [Deno.execPath()];
  const main = new URL("../../main.ts", import.meta.url).pathname;
  return [Deno.execPath(), "run", "--quiet", "--no-prompt", "-P", main];
}

/** Options that are different from their defaults, as flags. */
function flagsOf({ service, settings }: ServiceAddress): string[] {
  const own = optionsOfService(service).filter((name) => !isOfProcesses(name));
  return own.flatMap((name) => {
    const { format, default: usual }: Option<unknown> = SERVICE_OPTIONS[name];
    const text = format(settings[name]);
    return text === format(usual) ? [] : [`--${name}=${text}`];
  });
}

/** How a process has ended, as text. */
export function formatEnd({ code, signal }: ProcessEnd): string {
  return signal === null ? `status ${code}` : signal;
}
