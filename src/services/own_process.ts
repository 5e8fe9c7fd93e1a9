import type { Logger } from "@logtape/logtape";
import type { ServiceAddress } from "../config/service_address.ts";
import { optionsOfService, SERVICE_OPTIONS } from "../config/options/service.ts";
import type { Option } from "../config/option.ts";
import { type ProcessEnd, ProcessStream } from "../net/process_stream.ts";
import type { Stream } from "../net/stream.ts";

/**
 * Starts this program once more, to be a service for one client: `iawlb serve NAME -` with the same
 * options.
 *
 * It is in a session of the system's of its own, so that an interrupt from the keyboard does not reach
 * it: those who drain decide when it ends.
 *
 * @throws If it cannot be started, for want of memory, processes or descriptors.
 */
export function startProcess(address: ServiceAddress, log: Logger): Stream {
  const [program, ...before] = ownCommand();
  const process = new Deno.Command(program!, {
    args: [...before, "serve", address.service, "-", ...flagsOf(address)],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
    detached: true,
  }).spawn();
  return new ProcessStream(process, (end) => {
    if (end.success) return;
    log.warning("the process {pid} of {service} ended early: {how}", {
      pid: process.pid,
      service: address.service,
      how: formatEnd(end),
    });
  });
}

/** How this program is started: the standalone binary, or the runtime with the sources. */
function ownCommand(): string[] {
  if (Deno.build.standalone) return [Deno.execPath()];
  const main = new URL("../../main.ts", import.meta.url).pathname;
  return [Deno.execPath(), "run", "--quiet", "--no-prompt", "-P", main];
}

/** Options that are different from their defaults, as flags. */
function flagsOf({ service, settings }: ServiceAddress): string[] {
  return optionsOfService(service).filter((name) => name !== "processes").flatMap((name) => {
    const { format, default: usual }: Option<unknown> = SERVICE_OPTIONS[name];
    const text = format(settings[name]);
    return text === format(usual) ? [] : [`--${name}=${text}`];
  });
}

function formatEnd({ code, signal }: ProcessEnd): string {
  return signal === null ? `status ${code}` : signal;
}
