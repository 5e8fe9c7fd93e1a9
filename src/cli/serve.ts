import { UsageError } from "../base/errors.ts";
import { nearest, quote, wrap } from "../base/text.ts";
import { writeDestination } from "../config/destination_text.ts";
import { type Option, problemWith } from "../config/option.ts";
import { keyOf, type OptionName, optionNames, rowOf } from "../config/options.ts";
import { LISTENER_ROWS } from "../config/options/listener.ts";
import {
  answersOfService,
  isOfProcesses,
  isService,
  isServiceOption,
  optionsOfService,
  SERVICE_OPTIONS,
  type ServiceName,
  serviceNames,
  serviceOf,
  serviceOptionNames,
  SERVICES,
} from "../config/options/service.ts";
import { readService, type ServiceAddress, type ServiceTexts } from "../config/service_address.ts";
import type { ProgramSource, Written } from "../config/source.ts";
import { type Arguments, readArguments, type Reading } from "./arguments.ts";
import { COMMAND_LINE_FLAGS, type Switch } from "./command_line_flags.ts";
import { flagHelp, optionGroups, optionHelp } from "./option_help.ts";
import { checkOwn, checkServed } from "./serve_checks.ts";
import { isModelOption, MODEL_OPTION_NAMES, MODEL_OPTIONS, modelOf } from "./serve_model.ts";

/** Options that say nothing where the only destination is the program itself. */
const FOREIGN_GROUPS = ["Health", "Names"];
const FOREIGN: readonly OptionName[] = [
  ...["workers", "workersMax", "balance", "hashMask", "hashWait", "maxConnections"] as const,
  ...["connectTimeout", "retries", "redispatch", "sendProxy", "execGrace"] as const,
];

/** What is said of options in another way here. */
const HELP: Partial<Record<OptionName, string>> = {
  overflow: "what happens to clients beyond --max-clients: they wait in the kernel's backlog, or " +
    "are closed at once",
};

const SWITCHES: readonly Switch[] = ["inetd", "check-config", "print-config", "help"];

/** What `iawlb serve` was told. */
export interface ServeArguments extends Arguments {
  readonly service: ServiceName;
}

/**
 * Sorts the arguments of `iawlb serve`, without the name of the command.
 *
 * @throws {UsageError} For the first that is not allowed by itself.
 */
export function readServeArguments(
  args: readonly string[],
  reading: Reading = {},
): ServeArguments {
  const [first = ""] = args;
  const asked = args.some((arg) => arg === "--help" || arg === "-h");
  const service = isService(first) ? first : asked ? "echo" : noService(first);
  const own: readonly string[] = [...optionsOfService(service), ...MODEL_OPTION_NAMES];
  for (const arg of asked ? [] : args) assertOwn(arg, service);
  const options = optionNames().filter(isServed);
  const given = readArguments(args.slice(isService(first) ? 1 : 0), {
    options,
    own,
    switches: SWITCHES,
    ...reading,
  });
  for (const [name, text] of Object.entries(given.own)) {
    const option = rowOfOwn(name);
    if (option.parse(text) !== undefined) continue;
    throw new UsageError(`--${name} ${quote(text)}: ${problemWith(option, text)}`);
  }
  return { ...given, service };
}

/**
 * The listener that such arguments stand for.
 *
 * @throws {UsageError} If there is no address, or one too many.
 */
export function serveSource(
  { service, addresses, options, rules, own }: ServeArguments,
): ProgramSource {
  const [listen, ...more] = addresses;
  if (listen === undefined) {
    throw new UsageError(
      `LISTEN is missing: give the address, such as: iawlb serve ${service} 8080`,
    );
  }
  if (more.length > 0) {
    throw new UsageError(`${quote(more[0]!)}: one too many; iawlb serve ${service} has one LISTEN`);
  }
  checkServed({ own, options, addresses, service });
  const { maxClients: most, threads, processes } = modelOf({ own, options, addresses, service });
  const texts = { ...serviceTexts(own), ...(processes && { processes }) };
  readTexts(service, texts);
  const [, max] = LISTENER_ROWS.workers.notation!.integers!;
  const text = writeDestination(`service:${service}`, {
    ...texts,
    workers: String(most === 0 ? max : most),
  });
  const usual: Partial<Record<OptionName, Written>> = service === "syslog"
    ? { accessLog: { text: "off" } }
    : {};
  const answers = answersOfService(service);
  if (listen.startsWith("udp:") && answers > 0) usual.udpAnswers = { text: String(answers) };
  const all = {
    ...usual,
    ...options,
    ...(most > 0 && { maxConnections: { text: String(most) } }),
    ...(threads !== undefined && { threads: { text: threads } }),
  };
  return {
    options: all,
    listeners: [{ listen: { text: listen }, destinations: [{ text }], options: all, rules }],
  };
}

/**
 * The service whose process this is to be, for the program that has started it: `-` as LISTEN, with
 * `--processes=pool` or `accept`. `undefined` if it is anything else.
 */
export function serviceOfProcess(
  { service, addresses, own }: ServeArguments,
): ServiceAddress | undefined {
  if (addresses[0] !== "-" || !["pool", "accept"].includes(own.processes ?? "")) return undefined;
  return readTexts(service, serviceTexts(own));
}

/**
 * The arguments of `iawlb -i` that such arguments stand for with `-i`, or `-` as LISTEN; `undefined` if
 * there is another address.
 *
 * @throws {UsageError} If it is not for one client, or has options of models.
 */
export function standardClient(
  { service, addresses, own, switches, ...given }: ServeArguments,
): Omit<Arguments, "own"> | undefined {
  const [listen, ...more] = addresses;
  if (listen !== "-" && !switches.has("inetd")) return undefined;
  const wrong = (problem: string) => new UsageError(`iawlb serve ${service} -i: ${problem}`);
  const surplus = listen === "-" ? more[0] : listen;
  if (surplus !== undefined) throw wrong(`${quote(surplus)} is one too many`);
  if (["syslog", "chat"].includes(service)) throw wrong("is for all clients together; not for one");
  const other = Object.keys(own).find((name) => {
    return isModelOption(name) || (isServiceOption(name) && isOfProcesses(name));
  });
  if (other !== undefined) {
    throw wrong(`--${other} says nothing where standard input is the only client`);
  }
  checkOwn(own);
  const texts = serviceTexts(own);
  readTexts(service, texts);
  return { ...given, switches, addresses: [writeDestination(`service:${service}`, texts)] };
}

function serviceTexts(own: ServeArguments["own"]): ServiceTexts {
  return Object.fromEntries(Object.entries(own).filter(([name]) => isServiceOption(name)));
}

function readTexts(service: ServiceName, texts: ServiceTexts): ServiceAddress {
  return readService(service, texts, (problem) => {
    throw new UsageError(`iawlb serve ${service}: ${problem}`);
  });
}

/** Whether an option says something where the only destination is the program itself. */
function isServed(name: OptionName): boolean {
  return !FOREIGN.includes(name) && !FOREIGN_GROUPS.includes(rowOf(name).group);
}

function noService(text: string): never {
  const names = serviceNames();
  if (text === "" || text.startsWith("-")) {
    throw new UsageError(
      `SERVICE is missing: give one of ${names.join(", ")}, such as: iawlb serve echo 8080`,
    );
  }
  throw new UsageError(
    `SERVICE ${quote(text)}: must be one of ${names.join(", ")}; the nearest is ${
      nearest(text, names)
    }`,
  );
}

/** A flag that exists, but not here, is told why. */
function assertOwn(arg: string, service: ServiceName): void {
  const [, flag = ""] = /^--([^=]+)/.exec(arg) ?? [];
  if (isServiceOption(flag) && !optionsOfService(service).includes(flag)) {
    throw new UsageError(`--${flag}: not an option of ${service}, but of ${serviceOf(flag)}`);
  }
  if (flag in COMMAND_LINE_FLAGS && !SWITCHES.includes(flag as Switch)) {
    throw new UsageError(`--${flag}: not an option of iawlb serve; see iawlb serve --help`);
  }
  const row = optionNames().find((name) => keyOf(name) === flag);
  if (row === undefined || isServed(row)) return;
  const instead = ["workers", "maxConnections"].includes(row) ? "; see --max-clients" : "";
  throw new UsageError(
    `--${flag}: not an option of iawlb serve, whose only destination is itself${instead}`,
  );
}

function rowOfOwn(name: string): Option<unknown> {
  if (isServiceOption(name)) return SERVICE_OPTIONS[name];
  if (isModelOption(name)) return MODEL_OPTIONS[name];
  throw new TypeError(`${name} is no flag of iawlb serve alone`);
}

/** The text of `iawlb serve --help`. */
export function serveHelp(): string {
  const width = Math.max(...serviceNames().map((name) => name.length)) + 4;
  const services = serviceNames().map((name) => {
    return wrap(SERVICES[name].help, width).replace(/^ +/, `  ${name}`.padEnd(width));
  });
  return `iawlb serve: a service of its own, behind the same queue and limits

Usage: iawlb serve SERVICE LISTEN [OPTIONS]
       iawlb serve SERVICE -i [OPTIONS]

${
    wrap(
      "Accepts connections on LISTEN and serves them itself. It is a listener with the one " +
        "destination service:SERVICE, which any listener can have among others: everything that " +
        "is true of listeners is true of it, --admin and the signals included. LISTEN is what it " +
        "is for a listener, see iawlb --help; with -i instead it serves the one client that standard " +
        "input and output are, as inetd starts it, with the options of iawlb -i.",
      0,
    )
  }

Services:
${services.join("\n")}

Options of services, with their defaults; also behind service:NAME and a comma:
${serviceOptionNames().map((name) => optionHelp(`--${name}`, SERVICE_OPTIONS[name])).join("\n")}

Options, with their defaults; TIME is 250ms, 5s, 10m, 1h or 0.

Model of the server:
${MODEL_OPTION_NAMES.map((name) => optionHelp(`--${name}`, MODEL_OPTIONS[name])).join("\n")}

${optionGroups(optionNames().filter(isServed), HELP)}

Of the command line alone:
${
    SWITCHES.map((name) => flagHelp(`${name === "inetd" ? "-i, " : ""}--${name}`, switchHelp(name)))
      .join("\n")
  }

Exit status: 0 finished, nothing was cut; 1 cannot listen, or sessions were cut;
2 bad usage.`;
}

function switchHelp(name: Switch): string {
  switch (name) {
    case "help":
      return "shows this";
    case "inetd":
      return "serves the one client that standard input and output are, and exits";
    default:
      return COMMAND_LINE_FLAGS[name].help;
  }
}
