import { readToken } from "../config/token_file.ts";
import { UsageError } from "../base/errors.ts";
import { nearest, quote } from "../base/text.ts";
import type { Token } from "./admin_client.ts";

/** Which flags there are, without their dashes. */
export interface Flags {
  /** Those that stand alone. */
  readonly switches: readonly string[];
  /** Those that have a value, as `--flag VALUE` or `--flag=VALUE`. */
  readonly values: readonly string[];
  /** Letters that stand for a switch, after a single dash; `h` is always one. */
  readonly short?: Readonly<Record<string, string>>;
}

/** Arguments in their parts. */
export interface Arguments {
  readonly operands: readonly string[];
  readonly switches: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
}

/**
 * Takes arguments apart. Flags and operands may be mixed; after `--` there are operands only.
 *
 * @throws {UsageError} If there is no such flag, its value is missing, or it takes none.
 */
export function readArguments(args: readonly string[], flags: Flags): Arguments {
  const operands: string[] = [];
  const switches = new Set<string>();
  const values = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === "--") {
      operands.push(...args.slice(i + 1));
      break;
    }
    if (!arg.startsWith("-") || arg === "-") {
      operands.push(arg);
      continue;
    }
    const letter = /^-(\w)$/.exec(arg)?.[1];
    const long = letter === undefined ? undefined : letter === "h" ? "help" : flags.short?.[letter];
    const [, name, value] = long ? [, long] : /^--([^=]*)(?:=(.*))?$/s.exec(arg) ?? [];
    if (name === "help" || (name && flags.switches.includes(name))) {
      if (value !== undefined) throw new UsageError(`${quote(arg)}: --${name} takes no value`);
      switches.add(name);
    } else if (name && flags.values.includes(name)) {
      const given = value ?? args[++i];
      if (!given) throw new UsageError(`--${name} has no value; give one as in --${name}=VALUE`);
      values.set(name, given);
    } else {
      if (/^-\w$/.test(arg)) {
        const letters = ["h", ...Object.keys(flags.short ?? {})].map((letter) => `-${letter}`);
        throw new UsageError(
          `${quote(arg)}: no such option; ${
            /v/i.test(arg)
              ? "it is iawlb --version"
              : `of one letter there is ${letters.join(", ")}`
          }`,
        );
      }
      const all = [...flags.switches, ...flags.values, "help"].map((flag) => `--${flag}`);
      throw unknown("option", arg.replace(/=.*$/s, ""), all);
    }
  }
  return { operands, switches, values };
}

/** The error for a name that there is not, with the nearest one that there is. */
export function unknown(what: string, name: string, known: readonly string[]): UsageError {
  return new UsageError(
    `${quote(name)}: no such ${what}; the nearest is ${nearest(name, known)}`,
  );
}

/**
 * The token in the file that `--token-file` names; none without it.
 *
 * @throws {UsageError} If the file cannot be read or has no token.
 */
export function readTokenFile(file: string | undefined): Token | undefined {
  return file === undefined ? undefined : { value: readToken(file, "--token-file"), file };
}
