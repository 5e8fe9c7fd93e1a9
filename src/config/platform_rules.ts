import type { Config, ListenerConfig, Reporter } from "./config.ts";
import { isProgram } from "./program_warnings.ts";
import type { ConfigProblems } from "./problems.ts";
import { type OptionName, OPTIONS, type Settings } from "./options.ts";
import type { ProgramSource } from "./source.ts";

/** An operating system, as the runtime names it. */
export type System = typeof Deno.build.os;

/** An option of the program or of a listener that some systems have no means for. */
interface Difference<Of> {
  readonly option: OptionName;
  /** Whether it is used. */
  isUsed(settings: Of): boolean;
  /** Whether a system has what it needs. */
  has(os: System): boolean;
  /** What is missing, and what is allowed. */
  readonly problem: string;
}

const UNIX = (os: System) => os !== "windows";

/** Options of the program that are refused where the system has no means for them. */
export const PROGRAM_DIFFERENCES: readonly Difference<Settings>[] = [
  {
    option: "daemon",
    isUsed: ({ daemon }) => daemon,
    has: UNIX,
    problem: "there are no daemons on Windows; must be false",
  },
  {
    option: "user",
    isUsed: ({ user }) => user !== null,
    has: UNIX,
    problem: "there are no such users on Windows; must be none",
  },
  {
    option: "group",
    isUsed: ({ group }) => group !== null,
    has: UNIX,
    problem: "there are no such groups on Windows; must be none",
  },
  {
    option: "umask",
    isUsed: ({ umask }) => umask !== null,
    has: UNIX,
    problem: "there is no umask on Windows; must be inherit",
  },
  {
    option: "log",
    isUsed: ({ log }) => log.kind === "syslog" && log.address.transport === "unix",
    has: UNIX,
    problem: "there is no socket of syslog on Windows; must be stderr or syslog:HOST",
  },
];

/** The same of listeners. */
export const LISTENER_DIFFERENCES: readonly Difference<ListenerConfig>[] = [
  {
    option: "threads",
    isUsed: ({ threads }) => threads > 1,
    has: sharesPorts,
    problem: "only Linux deals the connections of a port out among threads; must be 1",
  },
  {
    option: "socketMode",
    isUsed: ({ socketMode }) => socketMode !== null,
    has: UNIX,
    problem: "sockets have no permissions of that kind on Windows; must be umask",
  },
];

/** Whether several sockets of one port share its connections (SO_REUSEPORT); others ignore the wish. */
export function sharesPorts(os: System = Deno.build.os): boolean {
  return os === "linux" || os === "android";
}

/** Reports what this system has no means for, of the program's own options. */
export function checkPlatform(
  settings: Settings,
  { source, problems, os = Deno.build.os }: {
    source: ProgramSource;
    problems: ConfigProblems;
    os?: System;
  },
): void {
  for (const { option, problem } of missing(PROGRAM_DIFFERENCES, settings, os)) {
    const written = source.options[option];
    if (written) problems.addOption(option, { written, problem });
  }
}

/** The same, of a listener. */
export function checkListenerPlatform(
  config: Config,
  { report }: Pick<Reporter, "report">,
  os: System = Deno.build.os,
): void {
  for (const { option, problem } of missing(LISTENER_DIFFERENCES, config, os)) {
    report({ option }, problem);
  }
  if (UNIX(os)) return;
  for (const [destination, one] of config.configured.entries()) {
    if (!isProgram(one)) continue;
    report(
      { destination },
      "is a program, and Windows has no process groups by which it would be ended with all that " +
        "it has started; must be an address",
    );
  }
}

function missing<Of>(
  differences: readonly Difference<Of>[],
  settings: Of,
  os: System,
): readonly Difference<Of>[] {
  return differences.filter(({ has, isUsed }) => !has(os) && isUsed(settings));
}

/** The options of a kind that a system refuses, for the docs. */
export function refusedOn(os: System): OptionName[] {
  return [...PROGRAM_DIFFERENCES, ...LISTENER_DIFFERENCES].flatMap(({ option, has }) =>
    has(os) || !(option in OPTIONS) ? [] : [option]
  );
}
