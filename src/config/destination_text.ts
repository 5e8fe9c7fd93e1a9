import { type Address, AddressError, parseAddress } from "../net/address.ts";
import { canonicalName } from "../net/address_relations.ts";
import {
  canonicalRecordsName,
  formatRecordsName,
  parseRecordsName,
  type RecordsName,
} from "../net/records_name.ts";
import type { AdminState } from "../operations/states.ts";
import {
  DESTINATION_OPTION_FORMS,
  DESTINATION_OPTIONS,
  type DestinationOptionName,
  destinationOptionNames,
  type DestinationOptions,
  isMark,
  isWrittenOption,
  listenerOptionFor,
  programOptionForms,
  serviceOptionForms,
  severalOf,
  writtenOption,
  type WrittenOptionName,
  writtenOptionNames,
} from "./options/destination.ts";
import { type Option, problemWith } from "./option.ts";
import {
  EXEC_FORMS,
  type ExecCommand,
  foreignExecOption,
  isExecText,
  parseExec,
  programName,
  readExec,
} from "./exec_address.ts";
import { isExecOption } from "./options/exec.ts";
import { isServiceOption, type ServiceName } from "./options/service.ts";
import {
  foreignOption,
  formatPlace,
  parseServiceName,
  type Place,
  readService,
} from "./service_address.ts";
import type { Settings } from "./options.ts";
import { withoutTls } from "./tls_out_texts.ts";
import { quote } from "../base/text.ts";

/** One server as configured, or as a record of a configured name says. */
export interface DestinationConfig extends DestinationOptions {
  readonly address: Place;
  /** The same text for the same destination, however it was written. */
  readonly key: string;
  /** What it is called: its name, or its address as written. */
  readonly name: string;
  /** What the name is called of which it is a record; absent if it was configured itself. */
  readonly source?: string;
  /** What the operator wants of it as soon as it is there; `ready` unless given. */
  readonly admin?: AdminState;
}

/** A configured name whose records are destinations, with these options each. */
export interface DestinationTemplate extends DestinationOptions {
  readonly lookup: RecordsName;
  /** The same text for the same name, however it was written. */
  readonly key: string;
  /** What it is called: its name, or the one that is looked up. */
  readonly name: string;
}

/** What can be configured as a destination. */
export type ConfiguredDestination = DestinationConfig | DestinationTemplate;

/** Whether it is no server but a name that leads to some. */
export function isTemplate(one: ConfiguredDestination): one is DestinationTemplate {
  return "lookup" in one;
}

/** The address as the operator would write it. */
export function writtenAddress(one: ConfiguredDestination): string {
  return isTemplate(one) ? formatRecordsName(one.lookup) : formatPlace(one.address);
}

/** Most problems of one destination that are told. */
const MAX_PROBLEMS = 10;

/** The options of a destination as texts; those that are not given are absent. */
export type DestinationTexts = Readonly<Partial<Record<WrittenOptionName, string>>>;

/**
 * A destination and its options in one text, such as `9001,workers=4,check=http:/`.
 *
 * A comma ends each part; in a part, `\,` is a comma and `\\` a backslash, and any other backslash
 * is itself. This is taken off before anything else is read: a check has escapes of its own. A program
 * stands behind its options, as in `workers=4,exec:/usr/bin/tac`: all behind `exec:` is as it is.
 */
export function writeDestination(address: string, texts: DestinationTexts): string {
  const parts: string[] = [];
  for (const name of writtenOptionNames()) {
    const text = texts[name];
    if (text === undefined) continue;
    if (!isMark(name) || !["true", "false"].includes(text)) parts.push(`${name}=${text}`);
    else if (text === "true") parts.push(name);
  }
  return joinDestination(address, parts);
}

/** Such a text of its parts: what {@linkcode splitDestination} makes them of. */
export function joinDestination(address: string, options: readonly string[]): string {
  const escape = (part: string) => part.replace(/[\\,]/g, "\\$&");
  const escaped = options.map(escape);
  return (isExecText(address) ? [...escaped, address] : [escape(address), ...escaped]).join(",");
}

/** The parts of such a text: the address, and the options as they are written. */
export function splitDestination(text: string): [address: string, ...options: string[]] {
  const parts: [string, ...string[]] = [""];
  let part = "";
  let starts = true;
  for (const { 0: token, index } of text.matchAll(/\\[\\,]|[^\\,]+|[^]/g)) {
    if (starts && isExecText(text.slice(index))) {
      return [text.slice(index), ...parts.slice(0, -1)];
    }
    starts = token === ",";
    if (starts) {
      parts[parts.length - 1] = part;
      parts.push(part = "");
    } else part += token.startsWith("\\") ? token.slice(-1) : token;
  }
  parts[parts.length - 1] = part;
  return parts;
}

/** What is given with an address, as texts; nothing of what is not allowed. */
export function optionTextsOf(text: string): DestinationTexts {
  return readOptions(splitDestination(text).slice(1), { report() {}, forms: "" });
}

/**
 * Reads a destination; `undefined` if it has no address.
 *
 * @param options.defaults The options of its listener.
 * @param report Takes each problem: what is wrong and what is allowed.
 */
export function readDestination(
  { text, defaults }: { text: string; defaults: Settings },
  report: (problem: string) => void,
): ConfiguredDestination | undefined {
  let problems = 0;
  const tell = (problem: string) => void (++problems <= MAX_PROBLEMS && report(problem));
  const [addressText, ...optionTexts] = splitDestination(text);
  const place = readPlace(addressText, tell);
  const forms = formsOf(place);
  const texts = readOptions(optionTexts, { report: tell, forms });
  const options = optionValues(texts, defaults);
  if (place === undefined) return undefined;
  const isProgram = isCommand(place);
  for (const name of Object.keys(texts)) {
    if (isExecOption(name) && !isProgram) tell(foreignExecOption(name));
    else if (isServiceOption(name) && typeof place !== "string") tell(foreignOption(name));
  }
  if (isProgram) return execDestination(place, { texts, options }, tell);
  if (typeof place === "string") return serviceDestination(place, { texts, options }, tell);
  if ("kind" in place) {
    if (place.kind === "srv" && texts.weight !== undefined) {
      tell("has a weight, which each record of srv: tells itself; must be without");
    }
    const key = canonicalRecordsName(place);
    return { ...options, lookup: place, key, name: options.name || place.hostname };
  }
  return {
    ...options,
    address: place,
    key: canonicalName(place),
    name: options.name || formatPlace(place),
  };
}

/** A service of this program, to which nothing is told of the client and which has no agent. */
function serviceDestination(
  service: ServiceName,
  { texts, options }: { texts: DestinationTexts; options: DestinationOptions },
  report: (problem: string) => void,
): DestinationConfig {
  for (const name of ["send-proxy", "agent-check"] as const) {
    if (![undefined, "off"].includes(texts[name])) {
      report(`has ${name}, which is nothing for a service of this program; must be without`);
    }
  }
  const foreign = withoutTls(texts, "a service of this program");
  if (foreign !== undefined) report(foreign);
  const address = readService(service, texts, report);
  const place = formatPlace(address);
  // It is at no address: two that differ in no more than their names are two.
  const key = options.name ? `${place}\0${options.name}` : place;
  const none = { "send-proxy": "off", "agent-check": null } as const;
  return { ...options, ...none, address, key, name: options.name || place };
}

/** A program, which is told of its client by its environment, and has no agent. */
function execDestination(
  command: ExecCommand,
  { texts, options }: { texts: DestinationTexts; options: DestinationOptions },
  report: (problem: string) => void,
): DestinationConfig {
  for (const name of ["send-proxy", "agent-check"] as const) {
    if (![undefined, "off"].includes(texts[name])) {
      report(`has ${name}, which is nothing for a program; must be without`);
    }
  }
  const foreign = withoutTls(texts, "a program");
  if (foreign !== undefined) report(foreign);
  const address = readExec(command, texts, report);
  const key = formatPlace(address);
  const none = { "send-proxy": "off", "agent-check": null } as const;
  return { ...options, ...none, address, key, name: options.name || programName(key) };
}

/** The value of each option: what is given, otherwise the listener's or the default. */
export function optionValues(given: DestinationTexts, listener: Settings): DestinationOptions {
  const values: Partial<Record<DestinationOptionName, unknown>> = {};
  for (const name of destinationOptionNames()) {
    const { inherited, default: usual, parse }: Option<unknown> = DESTINATION_OPTIONS[name];
    const text = given[name];
    if (text !== undefined) values[name] = parse(text);
    else values[name] = inherited ? listener[listenerOptionFor(name)] : usual;
  }
  return values as DestinationOptions;
}

function readPlace(
  text: string,
  report: (problem: string) => void,
): ParsedPlace | undefined {
  try {
    return parsePlace(text);
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    report(error.message);
  }
}

/** What an address stands for: a service by its name, a program by its words. */
type ParsedPlace = Address | RecordsName | ServiceName | ExecCommand;

/**
 * Where a destination is, from a text without options.
 *
 * @throws {AddressError} If it is nowhere.
 */
export function parsePlace(text: string): ParsedPlace {
  try {
    return parseExec(text) ?? parseServiceName(text) ?? parseRecordsName(text) ??
      parseAddress(text, { minPort: 1, udp: true });
  } catch (error) {
    if (!(error instanceof AddressError) || isExecText(text) || !LIKE_PROGRAM.test(text)) {
      throw error;
    }
    throw new AddressError(`${error.message}; a program is ${EXEC_FORMS}, behind its options`);
  }
}

/** What nobody writes who does not mean a program: its path, or `exec` in another place. */
const LIKE_PROGRAM = /^\.{0,2}\/|\bexec\b/;

/** The options that a destination may have, in words. */
function formsOf(place: ParsedPlace | undefined): string {
  if (typeof place === "string") return serviceOptionForms(place);
  return place && isCommand(place) ? programOptionForms() : DESTINATION_OPTION_FORMS;
}

function isCommand(place: ParsedPlace): place is ExecCommand {
  return Array.isArray(place);
}

function readOptions(
  parts: readonly string[],
  { report, forms }: { report(problem: string): void; forms: string },
): DestinationTexts {
  const given: Partial<Record<WrittenOptionName, string>> = {};
  // There are fewer options than that: among the first ones is one too many.
  for (const [i, part] of parts.slice(0, 2 * MAX_PROBLEMS).entries()) {
    const [, name = "", value] = /^([^=]*)(?:=(.*))?$/s.exec(part)!;
    if (!isWrittenOption(name) || (value === undefined && !isMark(name))) {
      report(
        `has the unknown option ${quote(part)}; must be ${severalOf(parts[i - 1], part) ?? forms}`,
      );
      continue;
    }
    const option = writtenOption(name);
    if (Object.hasOwn(given, name)) report(`has ${name} twice; give it once`);
    else if (value !== undefined && option.parse(value) === undefined) {
      report(`${name} ${quote(value)} ${problemWith(option, value)}`);
    } else given[name] = value ?? "true";
  }
  return given;
}
