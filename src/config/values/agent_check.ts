import {
  type Address,
  ADDRESS_FORMS,
  AddressError,
  formatAddress,
  parseAddress,
} from "../../net/address.ts";
import type { Option } from "../option.ts";
import { NO_RESERVED_WORD, PORT_PATTERN } from "./address_pattern.ts";

/**
 * Where the agent of a destination listens. A TCP address without a host is a port of the host that
 * the destination itself is on.
 */
export type AgentCheck = Address;

/** An option that says where agents are, `null` for nowhere. */
export function agentCheck(spec: { help: string }): Option<AgentCheck | null> {
  return {
    form: "off|ADDRESS",
    default: null,
    help: spec.help,
    allowed: `off, ${ADDRESS_FORMS} with a port from 1 to 65535 or the name of a service`,
    parse: (text) => text === "off" ? null : parse(text),
    format: formatAgentCheck,
    notation: {
      words: ["off"],
      pattern: `^(unix:/.*|${NO_RESERVED_WORD}(.*:)?${PORT_PATTERN})$`,
      integers: [1, 65535],
    },
  };
}

/** The text that is read back as the same place. */
export function formatAgentCheck(place: AgentCheck | null): string {
  return place ? formatAddress(place) : "off";
}

/** Where exactly the agent of a destination listens: a UNIX socket is on this machine. */
export function agentAddress(place: AgentCheck, destination: Address): Address {
  if (place.transport !== "tcp" || place.hostname !== undefined) return place;
  return destination.transport === "unix" ? place : { ...place, hostname: destination.hostname };
}

function parse(text: string): AgentCheck | undefined {
  try {
    const address = parseAddress(text, { minPort: 1 });
    return address.transport === "tcp" || address.transport === "unix" ? address : undefined;
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
  }
}
