import { fileProblem } from "../../base/errors.ts";
import { quote } from "../../base/text.ts";
import type { InetdService } from "./service.ts";

/** Most lines of warnings; there may be as many as the file has lines. */
const MAX_LINES = 20;

/** What is allowed and most likely not meant, a line each. */
export function inetdWarnings(services: readonly InetdService[], file: string): string[] {
  const warnings = services.flatMap(({ line, service, server }) => {
    if ("internal" in server) return [];
    const { program } = server;
    const problem = problemOf(program);
    return problem === undefined
      ? []
      : [`${file}:${line}: ${service}: ${quote(program)} ${problem}`];
  });
  if (warnings.length <= MAX_LINES) return warnings;
  return [...warnings.slice(0, MAX_LINES), `${file}: has further such lines, which are not told`];
}

function problemOf(program: string): string | undefined {
  try {
    return Deno.statSync(program).isFile ? undefined : "is no program that could be started";
  } catch (error) {
    return `cannot be started as it is: ${fileProblem(error)}`;
  }
}
