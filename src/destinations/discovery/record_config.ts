import {
  type DestinationConfig,
  type DestinationTemplate,
  type DestinationTexts,
} from "../../config/destination_text.ts";
import type { Option } from "../../config/option.ts";
import {
  DESTINATION_OPTIONS,
  type DestinationOptionName,
  type DestinationOptions,
} from "../../config/options/destination.ts";
import { nameAt } from "../../config/tls_out_terms.ts";
import { formatHostPort } from "../../net/address.ts";
import type { AdminState } from "../../operations/states.ts";
import type { Found } from "./found.ts";

/** The lowest tier of backups that there is. */
const LAST_TIER = 256;

/** The key of a record, by which it is the same again. */
export function keyOfRecord(
  { key }: Pick<DestinationTemplate, "key">,
  { hostname, port }: Pick<Found, "hostname" | "port">,
): string {
  return `${key}@${formatHostPort(hostname, port)}`;
}

/** The destination that a record of a name is. */
export function recordConfig(
  template: DestinationTemplate,
  server: Found,
  options: {
    /** What the operator has set for this one alone. */
    texts: DestinationTexts;
    /** What its listener speaks. */
    transport: "tcp" | "udp";
    /** What the operator wants of it. */
    admin: AdminState;
  },
): DestinationConfig {
  const { lookup, key: _, name: source, ...common } = template;
  const { hostname, port, weight = common.weight, tier } = server;
  const own = { ...common, ...valuesOf(options.texts) };
  return {
    ...common,
    weight,
    backup: Math.min(LAST_TIER, common.backup + tier),
    ...valuesOf(options.texts),
    address: { transport: options.transport, hostname, port },
    // Whoever answers a look-up does not say whom a certificate has to be for.
    ...(own.tls && { "tls-name": own["tls-name"] || nameAt(lookup) }),
    key: keyOfRecord(template, server),
    name: `${source}@${formatHostPort(hostname, port)}`,
    source,
    admin: options.admin,
  };
}

function valuesOf(texts: DestinationTexts): Partial<DestinationOptions> {
  const values: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(texts)) {
    const option: Option<unknown> = DESTINATION_OPTIONS[name as DestinationOptionName];
    values[name] = option.parse(text);
  }
  return values;
}
