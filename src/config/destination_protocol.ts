import type { Address } from "../net/address.ts";
import { type ConfiguredDestination, isTemplate } from "./destination_text.ts";
import { hasDatagrams } from "./options/service.ts";
import type { Check } from "./values/check.ts";

/** Reports a destination that does not speak what its listener does. */
export function checkProtocol(
  destination: ConfiguredDestination,
  { listen, report }: { listen: Address; report(problem: string): void },
): void {
  const udp = listen.transport === "udp";
  // Records are servers of whatever the listener speaks.
  const address = isTemplate(destination) ? undefined : destination.address;
  if (address?.transport === "service") {
    if (udp && !hasDatagrams(address.service)) {
      report("speaks over connections only, but its listener is UDP; must be another service");
      return;
    }
  } else if (address && udp !== (address.transport === "udp")) {
    report(
      udp
        ? "is not UDP, but its listener is; must be udp:PORT or udp:HOST:PORT"
        : "is UDP, but its listener is not; must be without udp:, or LISTEN with it",
    );
    return;
  }
  const { check } = destination;
  if (check && isOfUdp(check) !== udp) {
    report(
      udp
        ? "has a check of connections, of which UDP has none; must be off, " +
          "udp:send:TEXT,expect:TEXT or dns:NAME"
        : "has a check of UDP; must be one of connections",
    );
  }
  if (udp && destination["send-proxy"] !== "off") {
    report("datagrams have no PROXY header before them; send-proxy must be off");
  }
}

function isOfUdp({ kind }: Check): boolean {
  return kind === "udp" || kind === "dns";
}
