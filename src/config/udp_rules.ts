import type { Config, Reporter } from "./config.ts";
import type { OptionName, Settings } from "./options.ts";
import type { ListenerSource, ProgramSource } from "./source.ts";

/** What a listener of datagrams cannot have, and why. */
interface Rule {
  readonly option: OptionName;
  /** Whether the value asks for it. */
  asks(settings: Settings): boolean;
  readonly problem: string;
}

const NO_TLS = "there is no TLS for datagrams here; must be none for UDP";

const RULES: readonly Rule[] = [
  {
    option: "threads",
    asks: ({ threads }) => threads > 1,
    problem: "a UDP port cannot be shared by threads; must be 1",
  },
  {
    option: "acceptProxy",
    asks: ({ acceptProxy }) => acceptProxy.length > 0,
    problem: "datagrams have no PROXY header before them; must be none for UDP",
  },
  {
    option: "sendProxy",
    asks: ({ sendProxy }) => sendProxy !== "off",
    problem: "datagrams have no PROXY header before them; must be off for UDP",
  },
  {
    option: "fairBy",
    asks: ({ fairBy }) => fairBy !== "address",
    problem: "datagrams do not begin with a hello of TLS; must be address for UDP",
  },
  {
    option: "halfClose",
    asks: ({ halfClose }) => halfClose !== "keep",
    problem: "a client of UDP does not finish sending; must be keep for UDP",
  },
  {
    option: "redispatch",
    asks: ({ redispatch }) => redispatch !== "held",
    problem: "a destination of UDP resets nothing; must be left out for UDP",
  },
  {
    option: "rejectWith",
    asks: ({ rejectWith }) => rejectWith.path !== "",
    problem:
      "whoever turns up under a forged address would have it sent there; must be none for UDP",
  },
  ...(["tlsCert", "tlsKey", "tlsClientCa"] as const).map((option) => ({
    option,
    asks: (settings: Settings) => settings[option].path !== "",
    problem: NO_TLS,
  })),
  {
    option: "certificates",
    asks: ({ certificates }) => certificates.length > 0,
    problem: NO_TLS,
  },
  {
    option: "whenOverloaded",
    asks: ({ whenOverloaded }) => whenOverloaded !== "hold",
    problem: "nobody sees a client of UDP give up; must be hold for UDP",
  },
];

/**
 * A listener without those options that stand once for all listeners of a file, where it speaks UDP and
 * they are only for TCP: they count for the others.
 */
export function withoutForeign(
  listener: ListenerSource,
  { options, listeners }: ProgramSource,
): ListenerSource {
  if (listeners.length === 1 || !listener.listen?.text.startsWith("udp:")) return listener;
  const foreign = new Set<string>(["check", ...RULES.map(({ option }) => option)]);
  const own = Object.entries(listener.options).filter(([name, written]) => {
    return !foreign.has(name) || options[name as OptionName] !== written;
  });
  return { ...listener, options: Object.fromEntries(own) };
}

/** Reports options that a listener of UDP cannot have. */
export function checkUdp(config: Config, { report }: Reporter): void {
  if (config.listen.transport !== "udp") return;
  for (const { option, asks, problem } of RULES) if (asks(config)) report({ option }, problem);
}
