import { PLACE_FORMS, RESERVED_WORDS } from "../net/address.ts";
import { EXEC_OPTIONS, execOptionNames } from "../config/options/exec.ts";
import { EXEC_FORMS } from "../config/exec_address.ts";
import { RECORDS_FORMS } from "../net/records_name.ts";
import { END_REASONS } from "../operations/end_reasons.ts";
import {
  DESTINATION_OPTIONS,
  destinationOptionForm,
  destinationOptionNames,
  isMark,
} from "../config/options/destination.ts";
import type { Option } from "../config/option.ts";
import { wrap } from "../base/text.ts";
import { optionNames } from "../config/options.ts";
import { commandLineFlags } from "./command_line_flags.ts";
import { flagHelp, optionGroups } from "./option_help.ts";

/** The text of `--help`. */
export function helpText(): string {
  return `iawlb: a TCP and UDP load balancer with a fair queue in front of your servers

Usage:
  iawlb [OPTIONS] LISTEN DESTINATION [DESTINATION ...]
  iawlb [OPTIONS] --config FILE
  iawlb [OPTIONS] --demo [--tour]
  iawlb [OPTIONS] -i DESTINATION [DESTINATION ...]
  iawlb init [LISTEN DESTINATION ...]   writes a configuration, or asks for it
  iawlb serve SERVICE LISTEN [OPTIONS]  a small server, such as echo or http
  iawlb inetd [FILE] [OPTIONS]          what an inetd.conf says
  iawlb send ADDR [MESSAGE ...]         a small client
  iawlb top [ADDR]                      watches a running one, see --admin
  iawlb ctl [ADDR] COMMAND              asks or tells a running one

${
    wrap(
      "Accepts connections on LISTEN, queues them first come first served, and hands each to " +
        "the first DESTINATION that has room. SIGTERM finishes what was accepted, then exits.",
      0,
    )
  }

${wrap(`Addresses: ${PLACE_FORMS}.`, 0)}
${
    wrap(
      "Without a host, LISTEN is every interface, IPv4 and IPv6, and a DESTINATION is localhost. " +
        "For the port there may be the name of a service of /etc/services. " +
        `A host that is called ${
          RESERVED_WORDS.join(", ").replace(/, (?=\w+$)/, " or ")
        } ends in a dot: dns.:53. ` +
        "Port 0 lets the kernel pick the port to listen on; the log names it. " +
        `A DESTINATION may also be ${RECORDS_FORMS}: each server that the name leads to; or ` +
        "service:NAME: a service of iawlb itself, see iawlb serve --help; or " +
        `${EXEC_FORMS}: a program that is started for each session, with its options before it.`,
      0,
    )
  }

A DESTINATION may carry options after a comma, as in 10.0.0.7:9003,workers=4:
${destinationOptionLines().join("\n")}

A program may carry these as well, before it, as in user=nobody,exec:/usr/bin/x:
${programOptionLines().join("\n")}

${
    wrap(
      "FILE is TOML. It has listen and destinations, or several [[listener]] tables that have; " +
        "every flag --some-name is the key some-name of the file, at the top level for all " +
        "listeners or in the table of one. A flag wins over the file.",
      0,
    )
  }

Options, with their defaults; TIME is 250ms, 5s, 10m, 1h or 0.

${optionGroups(optionNames())}

Of the command line alone:
${commandLineFlags().map(({ usage, help }) => flagHelp(usage, help)).join("\n")}

${
    wrap(
      "Signals: SIGTERM and SIGINT drain, a second one quits at once; SIGHUP reads the " +
        "configuration again and applies what is different, unless it has mistakes; SIGUSR1 " +
        "writes the status to the log; SIGUSR2 opens the access log again.",
      0,
    )
  }

${
    wrap(
      "Exit status: 0 finished, nothing was cut; 1 cannot listen, or sessions were cut; 2 bad " +
        "usage or configuration.",
      0,
    )
  }
`;
}

function destinationOptionLines(): string[] {
  const forms = destinationOptionNames().map(destinationOptionForm);
  const width = Math.max(...forms.map((form) => form.length));
  return destinationOptionNames().map((name, i) => {
    const { help, inherited, default: usual, format }: Option<unknown> = DESTINATION_OPTIONS[name];
    const text = inherited || isMark(name) ? help : `${help} (${format(usual)})`;
    return wrap(text, 4 + width).replace(/^ +/, `  ${forms[i]!.padEnd(width)}  `);
  });
}

function programOptionLines(): string[] {
  const forms = execOptionNames().map((name) => `${name}=${EXEC_OPTIONS[name].form}`);
  const width = Math.max(...forms.map((form) => form.length));
  return execOptionNames().map((name, i) => {
    return wrap(EXEC_OPTIONS[name].help, 4 + width)
      .replace(/^ +/, `  ${forms[i]!.padEnd(width)}  `);
  });
}

/** The end reasons as the rows of a Markdown table, for docs/. */
export function reasonRows(): string[] {
  return Object.entries(END_REASONS).map(([reason, { help }]) => {
    return `| \`${reason}\` | ${help.replace(/--[a-z-]+/g, "`$&`")} |`;
  });
}
