import type { ProgramConfig } from "./config.ts";
import { type ConfiguredDestination, isTemplate } from "./destination_text.ts";
import { flagOf, keyOf } from "./options.ts";
import type { ProgramSource } from "./source.ts";
import { quote } from "../base/text.ts";

/** Whether a destination is a program. */
export function isProgram(one: ConfiguredDestination): boolean {
  return !isTemplate(one) && one.address.transport === "exec";
}

/** What is allowed about programs and most likely not meant, a line for each listener. */
export function programWarnings(
  { listeners }: Pick<ProgramConfig, "listeners">,
  source: ProgramSource,
): string[] {
  return listeners.flatMap(({ halfClose, configured }, i) => {
    const program = configured.find(isProgram);
    if (!program || halfClose !== "abandon") return [];
    const line = source.listeners[i]?.options.halfClose?.line;
    const name = line === undefined
      ? flagOf("halfClose")
      : `${source.file}:${line}: ${keyOf("halfClose")}`;
    return [
      `${name} abandon ends ${
        quote(program.name)
      } when its client finishes sending before it was ` +
      "answered, which is what many programs wait for; keep lets them answer",
    ];
  });
}
