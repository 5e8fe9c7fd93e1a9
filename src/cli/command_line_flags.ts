/** A flag that is no option: a configuration file cannot have it. */
export interface CommandLineFlag {
  /** One letter that stands for it, after a single dash. */
  readonly short?: string;
  /** What stands for its value; without it, it has none. */
  readonly form?: string;
  readonly help: string;
}

/** The flags that only the command line has, in the order of the help. */
export const COMMAND_LINE_FLAGS = {
  config: {
    form: "FILE",
    help:
      "reads the addresses, and options, from FILE, and again at SIGHUP; - is standard input, " +
      "which is read once",
  },
  "check-config": {
    help: "says whether the configuration is fine, with every problem of the file, and exits",
  },
  "print-config": {
    help: "prints the configuration as a file, with where each value comes from, and exits",
  },
  inetd: {
    short: "i",
    help: "serves the one client that standard input and output are, as inetd, xinetd or systemd " +
      "(Accept=yes) start it, at the first DESTINATION that can be connected, and exits; there is " +
      "no LISTEN, and --log and --access-log are syslog unless given",
  },
  demo: {
    help: "balances over three small HTTP servers of its own, called fast, slow and flaky, with " +
      "clients of its own: calm, a rush, a failure, recovery; with a page on port 9090",
  },
  tour: { help: "with --demo: stops at each step, says what to look at, and waits for Enter" },
  help: {
    short: "h",
    help:
      "shows this; with a command (init, serve, inetd, send, top, ctl) it shows that of the command; " +
      "iawlb help and iawlb help COMMAND are the same",
  },
  version: { short: "V", help: "shows the version" },
} as const satisfies Readonly<Record<string, CommandLineFlag>>;

/** A flag without a value. */
export type Switch = Exclude<keyof typeof COMMAND_LINE_FLAGS, "config">;

/** Every flag of the command line only, as the help shows it: `-h, --help`. */
export function commandLineFlags(): readonly { usage: string; help: string }[] {
  const flags: [string, CommandLineFlag][] = Object.entries(COMMAND_LINE_FLAGS);
  return flags.map(([name, { short, form, help }]) => {
    const usage = `${short ? `-${short}, ` : ""}--${name}${form ? ` ${form}` : ""}`;
    return { usage, help };
  });
}
