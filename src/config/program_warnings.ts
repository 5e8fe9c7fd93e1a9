import type { Config, ProgramConfig } from "./config.ts";
import {
  type ConfiguredDestination,
  type DestinationConfig,
  isTemplate,
} from "./destination_text.ts";
import { EXEC_PREFIX, type ExecAddress } from "./exec_address.ts";
import { flagOf, keyOf } from "./options.ts";
import { isWrittenOption } from "./options/destination.ts";
import { problemOfProgram } from "./program_file.ts";
import type { ListenerSource, ProgramSource } from "./source.ts";
import { quote } from "../base/text.ts";
import { warningLines } from "./warning_lines.ts";

/** A destination that is a program. */
type Program = DestinationConfig & { readonly address: ExecAddress };

/** Whether a destination is a program. */
export function isProgram(one: ConfiguredDestination): one is Program {
  return !isTemplate(one) && one.address.transport === "exec";
}

/**
 * What is told to process 1, whose children all those become whose parent has ended. As zombies they
 * keep their group and so the slot of their session.
 */
const FIRST_PROCESS =
  "this is process 1, and what programs leave behind would stay as zombies: the " +
  "runtime waits for its own children alone; start it below an init, as docker run --init does";

/**
 * What is allowed about programs and most likely not meant, a line each.
 *
 * @param options.pid The number of this process.
 */
export function programWarnings(
  { listeners }: Pick<ProgramConfig, "listeners">,
  source: ProgramSource,
  { pid = Deno.pid } = {},
): string[] {
  const hasPrograms = listeners.some(({ configured }) => configured.some(isProgram));
  function* all(): Iterable<string> {
    if (pid === 1 && hasPrograms) yield FIRST_PROCESS;
    for (const [i, config] of listeners.entries()) {
      yield* warningsOf(config, { source: source.listeners[i], file: source.file });
    }
  }
  return warningLines(all(), "further programs are not told about");
}

interface Place {
  readonly source: ListenerSource | undefined;
  readonly file: string | undefined;
}

function* warningsOf({ configured, halfClose }: Config, { source, file }: Place): Iterable<string> {
  if (halfClose === "abandon") {
    const program = configured.find(isProgram);
    const line = source?.options.halfClose?.line;
    const name = line === undefined
      ? flagOf("halfClose")
      : `${file}:${line}: ${keyOf("halfClose")}`;
    if (program) {
      yield `${name} abandon ends ${
        quote(program.name)
      } when its client finishes sending before it ` +
        "was answered, which is what many programs wait for; keep lets them answer";
    }
  }
  for (const [index, one] of configured.entries()) {
    const problem = isProgram(one) ? problemOf(one) : undefined;
    if (problem === undefined) continue;
    const { text, line } = source?.destinations[index] ?? { text: one.name };
    const name = line === undefined ? "DESTINATION" : `${file}:${line}: destinations`;
    yield `${name} ${quote(text)} ${problem}`;
  }
}

function problemOf({ address }: Program): string | undefined {
  const [program, ...args] = address.command;
  const behind = OPTION_BEHIND.exec(args.at(-1) ?? "")?.[0];
  if (behind !== undefined) return `has ${quote(behind)} as the end of an argument; ${BEFORE}`;
  const problem = problemOfProgram(address);
  if (problem === undefined) return undefined;
  const told = `cannot be started as it is: ${problem}`;
  if (/\s/.test(program)) {
    return `${told}; its arguments are words of their own, and not in its quotes`;
  }
  const [, option = ""] = /,([^,=]+)=?[^,]*$/.exec(program) ?? [];
  return isWrittenOption(option) ? `${told}; ${BEFORE}` : told;
}

/** They stand behind every other address. */
const BEFORE = `options of a program stand before ${EXEC_PREFIX}`;

/** Options at the end of the arguments, of which a program most likely has none that looks the same. */
const OPTION_BEHIND = /,(?:workers|workers-max|argv0|user|group|send-proxy|agent-check)=[^,=]+$/;
