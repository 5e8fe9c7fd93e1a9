import { FatalError } from "../base/errors.ts";
import { nearest, quote } from "../base/text.ts";
import type { CtlCommand } from "./command.ts";
import { printable } from "./format.ts";
import { type ConfigEntry, type ConfigInForce, isConfig } from "./shapes.ts";

/** `iawlb ctl config`: what is in force, with the values that count. */
export const CONFIG: CtlCommand = {
  form: "[LISTENER] [--given]",
  help: "what is in force, and what of it was given; --given shows that alone",
  operands: [],
  optional: 1,
  switches: ["json", "given"],
  values: [],
  async run({ client, operands: [listener], switches, show }) {
    const all = await client.call("/config", isConfig);
    const config = listener === undefined ? all : only(all, listener);
    show(linesOf(config, { alone: listener !== undefined, given: switches.has("given") }), config);
  },
};

type Options = Readonly<Record<string, ConfigEntry>>;

/** The same with that listener only. @throws {FatalError} If there is none of that number or name. */
function only(config: ConfigInForce, text: string): ConfigInForce {
  const named = config.listeners.filter(({ name }) => name === text);
  const found = named.length > 0
    ? named
    : config.listeners.filter(({ id, listen }) => String(id) === text || listen.includes(text));
  if (found.length > 0) return { ...config, listeners: found };
  const known = config.listeners.map(({ name }) => name);
  throw new FatalError(
    known.length === 0
      ? `${quote(text)}: there are no listeners`
      : `${quote(text)}: no such listener; the nearest is ${printable(nearest(text, known))}`,
  );
}

/**
 * @param options.alone Whether it is about one listener, and not the program.
 * @param options.given Whether only what was given is shown.
 */
function linesOf(
  { file, settings, listeners }: ConfigInForce,
  { alone, given }: { alone: boolean; given: boolean },
): string[] {
  const lines = [
    `${file === null ? "without a file" : file}; * was given, the rest is as it is by default`,
  ];
  const table = (options: Options, indent: string) => {
    const wanted = Object.entries(options).filter(([, entry]) => entry.given || !given);
    const width = Math.max(0, ...wanted.map(([name]) => name.length));
    lines.push(...wanted.map(([name, entry]) => {
      return `${indent}${entry.given ? "*" : " "} ${name.padEnd(width)}  ${entry.value}`;
    }));
  };
  if (!alone && Object.values(settings).some((entry) => entry.given || !given)) {
    lines.push("", "Program");
    table(settings, "  ");
  }
  for (const { id, name, listen, options, destinations } of listeners) {
    const at = listen.join(", ");
    lines.push("", `Listener ${id}: ${name}${at === name ? "" : ` (${at})`}`);
    table(options, "  ");
    for (const one of destinations) {
      const address = one.address === one.name ? "" : ` (${one.address})`;
      lines.push(`  Destination ${one.id}: ${one.name}${address}`);
      table(one.options, "    ");
    }
  }
  return lines;
}
