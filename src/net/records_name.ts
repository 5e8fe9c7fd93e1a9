import ipaddr from "ipaddr.js";
import { AddressError, formatAddress, parseAddress, parseHost } from "./address.ts";

/** A name whose records are servers, each of them one. */
export type RecordsName =
  /** Every address (A, AAAA) of a host, with this port. */
  | {
    readonly kind: "dns";
    readonly hostname: string;
    readonly port: number;
    /** The name of the service whose port it is, if it was written so. */
    readonly service?: string;
  }
  /** Every target of a service (SRV), with the port, the weight and the priority that it tells. */
  | { readonly kind: "srv"; readonly hostname: string };

/** The grammar in words, for messages and the help text. */
export const RECORDS_FORMS = "dns:HOST:PORT or srv:NAME";

/**
 * Reads `dns:HOST:PORT` or `srv:NAME`; `undefined` if the text begins with neither word. For the
 * port there may be the name of a service.
 *
 * @throws {AddressError} If what follows is something else.
 */
export function parseRecordsName(text: string): RecordsName | undefined {
  const [, word, rest = ""] = /^(dns|srv):(.*)$/is.exec(text) ?? [];
  if (word === undefined) return undefined;
  if (word.toLowerCase() === "srv") return { kind: "srv", hostname: nameIn(rest, "srv:NAME") };
  const [, host, port] = /^([^:]+):([^:]+)$/.exec(rest) ?? [];
  if (host === undefined) {
    const hint = "a host of that name ends in a dot, as in dns.:53";
    throw new AddressError(`${mustBe("dns:HOST:PORT")}; ${hint}`);
  }
  const hostname = nameIn(host, "dns:HOST:PORT");
  const address = parseAddress(`:${port}`, { minPort: 1 });
  if (address.transport !== "tcp") throw new AddressError(mustBe("dns:HOST:PORT"));
  const { service } = address;
  return { kind: "dns", hostname, port: address.port, ...(service !== undefined && { service }) };
}

/** The name as the operator would write it. */
export function formatRecordsName(name: RecordsName): string {
  if (name.kind === "srv") return `srv:${name.hostname}`;
  return `dns:${formatAddress({ ...name, transport: "tcp" })}`;
}

/** The same text for the same name, whether its port was written as a number or as a service. */
export function canonicalRecordsName(name: RecordsName): string {
  if (name.kind === "srv") return formatRecordsName(name);
  return `dns:${name.hostname}:${name.port}`;
}

function nameIn(text: string, form: string): string {
  let host: string;
  try {
    host = parseHost(text);
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    throw new AddressError(mustBe(form));
  }
  if (!ipaddr.isValid(host)) return host;
  throw new AddressError(`${mustBe(form)}: an IP address is there without a look-up`);
}

function mustBe(form: string): string {
  return `must be ${form} with a name that name servers know`;
}
