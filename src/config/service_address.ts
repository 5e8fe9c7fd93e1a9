import { type Address, AddressError, formatAddress } from "../net/address.ts";
import { type ExecAddress, formatExec } from "./exec_address.ts";
import { MAY_NOT_RUN, mayRun } from "../base/permissions.ts";
import { nearest, quote } from "../base/text.ts";
import type { Option } from "./option.ts";
import {
  isService,
  optionsOfService,
  SERVICE_OPTIONS,
  type ServiceName,
  serviceNames,
  serviceOf,
  type ServiceOptionName,
  serviceOptionNames,
  type ServiceSettings,
} from "./options/service.ts";

/** What an address begins with that is no server but a service of this program. */
export const SERVICE_PREFIX = "service:";

/** A service of this program, as a destination. */
export interface ServiceAddress {
  readonly transport: "service";
  readonly service: ServiceName;
  /** The options of all services; those of others have their defaults. */
  readonly settings: ServiceSettings;
}

/** Where a destination is: at an address, in this program, or a program that is started. */
export type Place = Address | ServiceAddress | ExecAddress;

/** Whether it is an address: neither in this program, nor a program that is started. */
export function isAddress(place: Place): place is Address {
  return place.transport !== "service" && place.transport !== "exec";
}

/** The options of services as texts; those that are not given are absent. */
export type ServiceTexts = Readonly<Partial<Record<ServiceOptionName, string>>>;

/** The grammar in words, for messages and the help text. */
export const SERVICE_FORMS = `service:${serviceNames().join("|")}`;

/**
 * The name of the service that an address is; `undefined` if it is another kind of address.
 *
 * @throws {AddressError} If there is no such service.
 */
export function parseServiceName(text: string): ServiceName | undefined {
  if (!text.toLowerCase().startsWith(SERVICE_PREFIX)) return undefined;
  const name = text.slice(SERVICE_PREFIX.length);
  if (isService(name)) return name;
  const hint = /^[\w-]+$/.test(name) ? `; the nearest is ${nearest(name, serviceNames())}` : "";
  throw new AddressError(
    `must name a service after service:, one of ${serviceNames().join(", ")}${hint}`,
  );
}

/**
 * A service with its options.
 *
 * @param texts Each of them allowed by itself.
 * @param report Takes each problem: what is wrong and what is allowed.
 */
export function readService(
  service: ServiceName,
  texts: ServiceTexts,
  report: (problem: string) => void,
): ServiceAddress {
  const own = optionsOfService(service);
  const values = serviceOptionNames().map((name) => {
    const text = texts[name];
    const option: Option<unknown> = SERVICE_OPTIONS[name];
    if (text !== undefined && !own.includes(name)) report(foreignOption(name));
    return [name, text === undefined ? option.default : option.parse(text)];
  });
  const settings: ServiceSettings = Object.fromEntries(values);
  if (settings.size > 0 && settings.body.path !== "") {
    report(`has size and body; must have one of them: ${quote(settings.body.path)} is the body`);
  }
  checkProcesses(settings, texts, report);
  return { transport: "service", service, settings };
}

function checkProcesses(
  settings: ServiceSettings,
  texts: ServiceTexts,
  report: (problem: string) => void,
): void {
  const { processes, "min-spare": min, "max-spare": max } = settings;
  if (processes !== "none" && !mayRun()) {
    report(`has processes=${processes}, but ${MAY_NOT_RUN}; must be processes=none`);
  }
  for (const name of ["min-spare", "max-spare", "requests-per-process"] as const) {
    if (processes !== "pool" && texts[name] !== undefined) {
      report(`has ${name} without processes=pool`);
    }
  }
  if (min > max) report(`has min-spare ${min}, which must be at most max-spare, ${max}`);
}

/** What is wrong with an option that this destination does not have. */
export function foreignOption(name: ServiceOptionName): string {
  return `has ${name}, which is for ${SERVICE_PREFIX}${serviceOf(name)} only`;
}

/** The same text for the same service with the same options. */
export function formatService({ service, settings }: ServiceAddress): string {
  const options = optionsOfService(service).flatMap((name) => {
    const { format, default: usual }: Option<unknown> = SERVICE_OPTIONS[name];
    const text = format(settings[name]);
    return text === format(usual) ? [] : [`${name}=${text}`];
  });
  return [`${SERVICE_PREFIX}${service}`, ...options].join(",");
}

/** The address as the operator would write it; of a service or a program with its options. */
export function formatPlace(place: Place): string {
  if (place.transport === "exec") return formatExec(place);
  return place.transport === "service" ? formatService(place) : formatAddress(place);
}
