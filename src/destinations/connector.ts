import type { Address } from "../net/address.ts";
import type { Connector } from "../net/connector.ts";
import { Dialer, type DialerOptions } from "../net/dial.ts";

/** What connects to a destination at this address: the one place where its kind matters. */
export function connectorTo(address: Address, options: DialerOptions): Connector {
  return new Dialer(address, options);
}
