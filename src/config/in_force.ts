import { formatNetwork } from "../net/networks.ts";
import type { DestinationInForce, Entries, Entry } from "../operations/config_in_force.ts";
import type { Config } from "./config.ts";
import {
  type ConfiguredDestination,
  type DestinationTemplate,
  type DestinationTexts,
  isTemplate,
  writtenAddress,
} from "./destination_text.ts";
import { rowsFor } from "./health_in_force.ts";
import type { Option } from "./option.ts";
import {
  DESTINATION_OPTIONS,
  type DestinationOptionName,
  destinationOptionNames,
  type DestinationOptions,
  writtenOption,
  type WrittenOptionName,
} from "./options/destination.ts";
import { execOptionNames } from "./options/exec.ts";
import { optionsOfService } from "./options/service.ts";
import { keyOf, type OptionName, optionNames, rowOf, type Settings } from "./options.ts";
import { nameAt } from "./tls_out_terms.ts";

/** Most networks of a listener that are shown. */
const MAX_NETWORKS = 100;

/** What was written of options. */
type Texts = Readonly<Partial<Record<OptionName, string>>>;

/** What counts where an option alone does not say it. */
const TOGETHER: Partial<Record<OptionName, (settings: Settings) => string | undefined>> = {
  halfCloseTimeout: ({ halfCloseTimeout, idleTimeout }) => {
    return halfCloseTimeout === 0 ? shown(rowOf("idleTimeout"), idleTimeout) : undefined;
  },
  udpRequestTimeout: ({ udpRequestTimeout, udpIdle }) => {
    return udpRequestTimeout === 0 ? shown(rowOf("udpIdle"), udpIdle) : undefined;
  },
  tlsKey: ({ tlsKey, tlsCert }) => tlsKey.path ? undefined : tlsCert.path || undefined,
  accessLogFormat: ({ accessLogFormat, logFormat }) => {
    return accessLogFormat === "auto" ? logFormat : undefined;
  },
};

/** The options of the program as a whole. */
export function programInForce(settings: Settings, texts: Texts): Entries {
  return entriesOf(optionNames("program"), settings, texts);
}

/** The options of a listener. */
export function listenerInForce(config: Config): Entries {
  const { rules, configured, texts: { options } } = config;
  const names = optionNames("listener").filter((name) => !rowOf(name).rule);
  const entries: Record<string, Entry> = { ...entriesOf(names, config, options) };
  for (const row of ["fall", "rise"] as const) {
    if (config[row] === 0) {
      entries[row] = { ...entries[row]!, value: inRow(row, configured, config) };
    }
  }
  const turns = rules.filter((rule, i) => rule.verdict !== rules[i - 1]?.verdict);
  for (const verdict of ["allow", "deny"] as const) {
    const networks = rules.filter((rule) => rule.verdict === verdict).map(formatNetwork);
    entries[verdict] = { value: some(networks), given: networks.length > 0 };
  }
  // Which of them comes first counts, too.
  if (turns.length > 2) {
    const all = rules.map((rule) => `${rule.verdict} ${formatNetwork(rule)}`);
    entries.rules = { value: some(all), given: true };
  }
  return entries;
}

/**
 * A destination with its id.
 *
 * @param options.texts What was written of its options, or of those of the name of which it is a record.
 * @param options.template That name.
 */
export function destinationInForce(
  one: ConfiguredDestination,
  { id, texts, template }: {
    id: string;
    texts: DestinationTexts;
    template?: DestinationTemplate | undefined;
  },
): DestinationInForce {
  const options: Record<string, Entry> = {};
  const place = isTemplate(one) ? undefined : one.address;
  const own: readonly WrittenOptionName[] = place?.transport === "service"
    ? optionsOfService(place.service)
    : place?.transport === "exec"
    ? execOptionNames()
    : [];
  for (const name of own) {
    const settings = (place as { settings: Readonly<Record<string, unknown>> }).settings;
    options[name] = {
      value: shown(writtenOption(name), settings[name]),
      given: texts[name] !== undefined,
    };
  }
  for (const name of destinationOptionNames()) {
    const row: Option<unknown> = DESTINATION_OPTIONS[name];
    // Records have weights of their own, and operators change one alone.
    const differs = template && name !== "name" &&
      row.format(template[name]) !== row.format(one[name]);
    options[name] = {
      value: ofDestination(name, one) ?? shown(row, one[name]),
      given: texts[name] !== undefined || (differs ?? false),
    };
  }
  return { id, name: one.name, address: writtenAddress(one), options };
}

/** What counts for a destination where an option alone does not say it. */
function ofDestination(
  name: DestinationOptionName,
  one: ConfiguredDestination,
): string | undefined {
  const { tls, "tls-name": tlsName, "tls-cert": cert, "tls-key": key } = one;
  switch (name) {
    case "name":
      return one.name;
    case "tls-name":
      return tls && !tlsName ? nameAt(isTemplate(one) ? one.lookup : one.address) : undefined;
    case "tls-key":
      return key.path ? undefined : cert.path || undefined;
  }
}

function entriesOf(names: readonly OptionName[], settings: Settings, texts: Texts): Entries {
  return Object.fromEntries(names.map((name) => {
    const row = rowOf(name);
    const value = TOGETHER[name]?.(settings) ?? shown(row, settings[name]);
    return [keyOf(name), { value, given: isGiven(row, settings[name], texts[name]) }];
  }));
}

/** Whether it was written, and is in force: another value may count only after a restart. */
function isGiven(row: Option<unknown>, value: unknown, text: string | undefined): boolean {
  const now = row.format(value);
  if (text === undefined) return now !== row.format(row.default);
  const written = row.parse(text);
  return !row.needsRestart || written === undefined || row.format(written) === now;
}

/** A value as it is shown. */
function shown({ format, zero }: Option<unknown>, value: unknown): string {
  return value === 0 && zero !== undefined ? zero : format(value);
}

/** What counts in the place of 0 for these destinations, of which some may have a check. */
function inRow(
  row: "fall" | "rise",
  destinations: readonly DestinationOptions[],
  settings: Settings,
): string {
  const rows = destinations.map(({ check }) => rowsFor(settings, check)[row]);
  const [least, most] = [Math.min(...rows), Math.max(...rows)];
  return least === most ? String(least) : `${least}, with a check ${most}`;
}

function some(all: readonly string[]): string {
  const more = all.length - MAX_NETWORKS;
  const text = all.slice(0, MAX_NETWORKS).join(", ") || "none";
  return more > 0 ? `${text} and ${more} more` : text;
}
