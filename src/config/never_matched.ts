import { parseNetworks, type Peers } from "../net/networks.ts";
import type { ListenerSource, Written } from "./source.ts";
import { readOption } from "./options.ts";

/** An entry of a list in which the first that matches counts, and what it does. */
interface Entry {
  readonly clients: Peers;
  readonly effect: string;
  readonly written: Written;
}

/** An entry that no client can match, since an earlier one has all of its clients. */
export interface Never {
  readonly of: "access" | "priority";
  readonly entry: Entry;
  readonly earlier: Entry;
}

/** Those of a listener that would do something else than the earlier one, if they ever counted. */
export function* neverMatched({ rules, options }: ListenerSource): Iterable<Never> {
  const access = rules.flatMap((written) => {
    const networks = parseNetworks(written.text, written.verdict) ?? [];
    return networks.map((clients) => ({ clients, effect: clients.verdict, written }));
  });
  for (const pair of hidden(access)) yield { of: "access", ...pair };
  const { priority } = options;
  if (!priority) return;
  const classes = readOption("priority", priority.text).map(({ clients, of }) => {
    return { clients, effect: String(of), written: priority };
  });
  for (const pair of hidden(classes)) yield { of: "priority", ...pair };
}

function* hidden(entries: readonly Entry[]): Iterable<{ entry: Entry; earlier: Entry }> {
  const seen = new Map<string, Entry>();
  const lengths = new Set<number>();
  for (const entry of entries) {
    const { clients } = entry;
    const earlier = clients === "unix" ? seen.get(clients) : firstAround(clients);
    if (earlier && earlier.effect !== entry.effect) yield { entry, earlier };
    if (earlier) continue;
    seen.set(clients === "unix" ? clients : keyOf(clients, clients.bits), entry);
    if (clients !== "unix") lengths.add(clients.bits);
  }

  function firstAround(network: Exclude<Peers, "unix">): Entry | undefined {
    for (const bits of lengths) {
      const around = bits <= network.bits ? seen.get(keyOf(network, bits)) : undefined;
      if (around) return around;
    }
    return undefined;
  }
}

/** The leading bits of a network, by which networks around it are found. */
function keyOf({ network }: Exclude<Peers, "unix">, bits: number): string {
  const bytes = network.map((byte, i) => byte & (0xff00 >> Math.max(Math.min(bits - 8 * i, 8), 0)));
  return `${bytes.join(".")}/${bits}`;
}
