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

/** Most lines of warnings; a file may have as many programs as lines. */
const MAX_LINES = 20;

/** A destination that is a program. */
type Program = DestinationConfig & { readonly address: ExecAddress };

/** Whether a destination is a program. */
export function isProgram(one: ConfiguredDestination): one is Program {
  return !isTemplate(one) && one.address.transport === "exec";
}

/** What is allowed about programs and most likely not meant, a line each. */
export function programWarnings(
  { listeners }: Pick<ProgramConfig, "listeners">,
  source: ProgramSource,
): string[] {
  const lines: string[] = [];
  for (const [i, config] of listeners.entries()) {
    for (const line of warningsOf(config, { source: source.listeners[i], file: source.file })) {
      if (lines.length === MAX_LINES) return [...lines, "further programs are not told about"];
      lines.push(line);
    }
  }
  return lines;
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
    yield `${name} ${quote(text)} cannot be started as it is: ${problem}`;
  }
}

function problemOf({ address }: Program): string | undefined {
  const problem = problemOfProgram(address);
  if (problem === undefined) return undefined;
  if (/\s/.test(address.command[0])) {
    return `${problem}; its arguments are words of their own, and not in its quotes`;
  }
  // As they stand behind every other address.
  const [, option = ""] = /,([^,=]+)=?[^,]*$/.exec(address.command[0]) ?? [];
  if (!isWrittenOption(option)) return problem;
  return `${problem}; options of a program stand before ${EXEC_PREFIX}`;
}
