import { MAY_NOT_RUN, mayRun } from "../base/permissions.ts";
import { quote } from "../base/text.ts";
import type { Config } from "./config.ts";
import { isProgram } from "./program_warnings.ts";
import type { ConfigProblems } from "./problems.ts";
import { type OptionName, OPTIONS, type Settings } from "./options.ts";
import type { ProgramSource, Written, WrittenOptions } from "./source.ts";

/** What a daemon, and a program that becomes another user, comes to be by. */
export const STARTS_ANEW = "the program starts itself anew for that";

/** Names of the standard descriptors for the access log. */
const STANDARD = /^(on|-|\/dev\/(stdout|stderr|fd\/[12])|\/proc\/self\/fd\/[12])$/;

/** What a daemon does unless it is told otherwise: its standard output and error are /dev/null. */
const USUAL: Partial<Record<OptionName, Written>> = {
  log: { text: "syslog", origin: "as a daemon" },
  accessLog: { text: "syslog", origin: "as a daemon" },
};

/** The same, with what goes without saying for a daemon, if it is one. */
export function withDaemonDefaults(source: ProgramSource): ProgramSource {
  const { daemon } = source.options;
  if (!daemon || OPTIONS.daemon.parse(daemon.text) !== true) return source;
  const complete = (options: WrittenOptions): WrittenOptions => ({ ...USUAL, ...options });
  return {
    ...source,
    options: complete(source.options),
    listeners: source.listeners.map((listener) => {
      return { ...listener, options: complete(listener.options) };
    }),
  };
}

/** What cannot be of a daemon, or of a program that becomes another user. */
export function checkDaemon(
  { daemon, log, accessLog, user, group, replace, pidFile }: Settings,
  { listeners, source, problems }: {
    listeners: readonly (Config | undefined)[];
    source: ProgramSource;
    problems: ConfigProblems;
  },
): void {
  const report = (name: OptionName, problem: string) => {
    const written = source.options[name];
    if (written) problems.addOption(name, { written, problem });
  };
  if (daemon && !mayRun()) report("daemon", `${STARTS_ANEW}, but ${MAY_NOT_RUN}; must be false`);
  if (replace && pidFile === "") {
    report("replace", "must be with pid-file, which tells the process that is replaced");
  }
  if (replace && Deno.build.os !== "linux") {
    report("replace", "only Linux lets two processes share their ports so; must be false");
  }
  if (daemon && log.kind === "stderr") {
    report("log", "is /dev/null for a daemon; must be syslog or syslog:ADDRESS");
  }
  if (daemon && STANDARD.test(accessLog)) {
    report("accessLog", "is /dev/null for a daemon; must be off, syslog or the path of a file");
  }
  if (user && user.gid === undefined && !group) {
    report("user", "is a number without a user, whose group nobody tells; must have group as well");
  }
  if (!user || user.uid === 0) return;
  // It would be said after the start only, by the process of that user.
  const other = listeners.flatMap((listener) => listener?.configured ?? []).find((one) => {
    return isProgram(one) && one.address.account !== undefined;
  });
  if (!other) return;
  report(
    "user",
    `is not root, as whom alone ${
      quote(other.name)
    } can be started as another user; must be none, ` +
      "or programs be without user and group",
  );
}
