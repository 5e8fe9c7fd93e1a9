import type { Address } from "../net/address.ts";
import { type ConfiguredDestination, isTemplate } from "./destination_text.ts";
import { checkTlsOut } from "./tls_out_rules.ts";
import { hasDatagrams } from "./options/service.ts";
import { type Check, formatCheck } from "./values/check.ts";

/** Reports a destination that does not speak what its listener does. */
export function checkProtocol(
  destination: ConfiguredDestination,
  { listen, report }: { listen: Address; report(problem: string): void },
): void {
  const udp = listen.transport === "udp";
  // Records are servers of whatever the listener speaks.
  const address = isTemplate(destination) ? undefined : destination.address;
  if (address?.transport === "exec") {
    const problem = problemOfProgram(destination, udp);
    if (problem !== undefined) return report(problem);
  } else if (address?.transport === "service") {
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
  if (udp && destination.tls) {
    return report("datagrams have no TLS; tls must be left out for UDP");
  }
  // What is no server at an address was refused with it before.
  if (address === undefined || !["exec", "service"].includes(address.transport)) {
    checkTlsOut(destination, { report });
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
  for (const name of ["sni", "alpn"] as const) {
    if (udp && destination[name].length > 0) {
      report(`datagrams do not begin with a hello of TLS; ${name} must be none for UDP`);
    }
  }
  if (udp && destination["send-proxy"] !== "off") {
    report("datagrams have no PROXY header before them; send-proxy must be off");
  }
}

/** What a program cannot be. */
function problemOfProgram(
  { check }: Pick<ConfiguredDestination, "check">,
  udp: boolean,
): string | undefined {
  if (udp) {
    return "is a program, which has a connection as its standard input and output, but its listener " +
      "is UDP, where there is none; must be udp:PORT or udp:HOST:PORT";
  }
  if (!check || check.kind === "tcp") return undefined;
  return `is a program and has the check ${formatCheck(check)}, for which one would have to be ` +
    "started; must be check=tcp, which is whether its file can be run, or check=off";
}

function isOfUdp({ kind }: Check): boolean {
  return kind === "udp" || kind === "dns";
}
