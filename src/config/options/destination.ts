import { cut } from "../../base/text.ts";
import { count, mark, type Option, table } from "../option.ts";
import type { OptionName } from "../options.ts";
import { EXEC_OPTIONS, type ExecOptionName, execOptionNames, isExecOption } from "./exec.ts";
import { HEALTH_ROWS } from "./health.ts";
import { offeredProtocols, serverNames } from "../values/hello_words.ts";
import { name } from "../values/name.ts";
import { LISTENER_ROWS } from "./listener.ts";
import { PROXY_PROTOCOL_ROWS } from "./proxy_protocol.ts";
import { TLS_OUT_NAMES, TLS_OUT_ROWS } from "./tls_out.ts";
import {
  isServiceOption,
  optionsOfService,
  SERVICE_OPTIONS,
  serviceOptionNames,
} from "./service.ts";
import type { ServiceName, ServiceOptionName } from "./service.ts";

/**
 * Every option of a destination: what texts, tables of the file and objects of the admin API can
 * say, and what is told about it.
 */
export const DESTINATION_OPTIONS = table({ scope: "destination", group: "Destinations" }, {
  workers: {
    ...LISTENER_ROWS.workers,
    help: "most concurrent connections there, instead of --workers",
    inherited: true,
  },
  "workers-max": {
    ...LISTENER_ROWS.workersMax,
    help: "most concurrent connections there with workers=auto, instead of --workers-max",
    inherited: true,
  },
  weight: count({
    default: 1,
    min: 0,
    max: 256,
    help: "its share of the sessions relative to the others, from 0 to 256; 0 = it gets no new " +
      "ones, and those that it has go on",
  }),
  backup: mark({
    max: 256,
    help:
      "whether it is a backup, and of which tier: it serves only while no other destination that " +
      "is none, or is of a lower tier, is up; backup alone is tier 1, 0 is none",
  }),
  check: {
    ...HEALTH_ROWS.check,
    form: "CHECK",
    help: "how it is checked, instead of --check; a comma in it is \\,",
    inherited: true,
  },
  "send-proxy": {
    ...PROXY_PROTOCOL_ROWS.sendProxy,
    help: "which PROXY header it gets before the first byte, instead of --send-proxy",
    inherited: true,
  },
  sni: serverNames({
    help: "it serves clients that ask for one of these names in their hello of TLS, which is not " +
      "touched: exact names come before *.example.com, which stands for one label, and that before " +
      "*, which is all others and clients without a name; without it, *",
  }),
  alpn: offeredProtocols({
    help:
      "it serves clients that offer one of these protocols in their hello of TLS; those of the " +
      "same names without it serve all others",
  }),
  ...TLS_OUT_ROWS,
  "agent-check": {
    ...HEALTH_ROWS.agentCheck,
    help: "where its server says how much it can take, instead of --agent-check",
    inherited: true,
  },
  name: name({
    form: "NAME",
    help:
      "what it is called in logs, metrics and by operators, instead of its address; unique in " +
      "its listener",
  }),
});

/** The name of an option of a destination, which is the same wherever it is written. */
export type DestinationOptionName = keyof typeof DESTINATION_OPTIONS;

/** The value of every option of a destination. */
export type DestinationOptions = {
  readonly [N in DestinationOptionName]: (typeof DESTINATION_OPTIONS)[N] extends Option<infer T> ? T
    : never;
};

/** What can be written with an address: an option of a destination, of a service, or of a program. */
export type WrittenOptionName = DestinationOptionName | ServiceOptionName | ExecOptionName;

/** The row of what can be written with an address. */
export function writtenOption(name: WrittenOptionName): Option<unknown> {
  if (isExecOption(name)) return EXEC_OPTIONS[name];
  return isServiceOption(name) ? SERVICE_OPTIONS[name] : DESTINATION_OPTIONS[name];
}

/** Whether a text that stands behind an address, or a key beside it, is the name of an option. */
export function isWrittenOption(name: string): name is WrittenOptionName {
  return isDestinationOption(name) || isServiceOption(name) || isExecOption(name);
}

/** All that can be written with an address, in the order in which it is written. */
export function writtenOptionNames(): WrittenOptionName[] {
  return [...execOptionNames(), ...serviceOptionNames(), ...destinationOptionNames()];
}

/** How all of them are written in a text, for messages. */
export const DESTINATION_OPTION_FORMS = oneOf(destinationOptionNames().map(destinationOptionForm));

/** The same with those that a service of this program has besides. */
export function serviceOptionForms(service: ServiceName): string {
  const own = optionsOfService(service).map((name) => `${name}=${SERVICE_OPTIONS[name].form}`);
  return oneOf([...own, ...destinationOptionNames().map(destinationOptionForm)]);
}

/** The options that a program may have, in words. */
export function programOptionForms(): string {
  const own = execOptionNames().map((name) => `${name}=${EXEC_OPTIONS[name].form}`);
  const common = destinationOptionNames().filter((name) => !NOT_OF_PROGRAMS.has(name));
  return oneOf([...own, ...common.map(destinationOptionForm)]);
}

/** Programs get no header and have no agent: their environment says who the client is. */
const NOT_OF_PROGRAMS: ReadonlySet<DestinationOptionName> = new Set([
  "send-proxy",
  "agent-check",
  ...TLS_OUT_NAMES,
]);

function oneOf(forms: readonly string[]): string {
  return forms.join(", ").replace(/, (?=[^,]*$)/, " or ");
}

/** How an option is written in a text: `workers=N`, or `backup[=N]` where the name alone will do. */
export function destinationOptionForm(name: DestinationOptionName): string {
  const { form } = DESTINATION_OPTIONS[name];
  return isMark(name) ? `${name}[=${form}]` : `${name}=${form}`;
}

/** All names, in the order in which they are written. */
export function destinationOptionNames(): DestinationOptionName[] {
  return Object.keys(DESTINATION_OPTIONS) as DestinationOptionName[];
}

/** Whether there is an option of this name. */
export function isDestinationOption(name: string): name is DestinationOptionName {
  return Object.hasOwn(DESTINATION_OPTIONS, name);
}

/** What was most likely meant by a part without a name behind an option that may have several values. */
export function severalOf(before: string | undefined, part: string): string | undefined {
  const [name = ""] = before?.split("=") ?? [];
  const may = isDestinationOption(name) && DESTINATION_OPTIONS[name].form.includes("[|");
  return may && !part.includes("=") ? cut(`${before}|${part}`) : undefined;
}

/** The field of the admin API: `send-proxy` is `send_proxy`. */
export function fieldOfDestinationOption(name: WrittenOptionName): string {
  return name.replaceAll("-", "_");
}

/** The option of a listener whose value a destination inherits: `send-proxy` is `sendProxy`. */
export function listenerOptionFor(name: DestinationOptionName): OptionName {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()) as OptionName;
}

/** Whether a destination can have it or lack it, without a value. */
export function isMark(name: WrittenOptionName): boolean {
  return writtenOption(name).notation?.booleans === true;
}
