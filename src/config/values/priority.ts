import type { Option } from "../option.ts";
import { formatPeers, NETWORK_FORMS, parsePeers, type Peers } from "../../net/networks.ts";

/** The class of those clients that no entry of `--priority` names. */
export const USUAL_CLASS = 2;

/** Most networks of one listener: each is looked at for each session. */
const MOST = 256;

/** One entry: clients, and the class that they are in. */
export interface Priority {
  readonly clients: Peers;
  /** From 0, the first class, to 3, the last one. */
  readonly of: number;
}

/** Networks with classes, such as `10.0.0.0/8,unix=0,192.0.2.7=3`. */
export function priority(spec: { help: string }): Option<readonly Priority[]> {
  return {
    ...spec,
    form: "NETWORKS=N",
    default: [],
    allowed:
      `none, or at most ${MOST} ${NETWORK_FORMS}, with the word unix for UNIX sockets, and ` +
      "after one or several of them =N, their class from 0 to 3",
    parse: parsePriorities,
    format: (entries) => {
      return entries.map(({ clients, of }) => `${formatPeers([clients])}=${of}`).join(",") ||
        "none";
    },
    notation: {
      words: ["none"],
      pattern: "^([0-9a-fA-F:.]+(/[0-9]+)?|unix)(=[0-3])?" +
        "( *, *([0-9a-fA-F:.]+(/[0-9]+)?|unix)(=[0-3])?)*$",
      list: true,
    },
  };
}

function parsePriorities(text: string): Priority[] | undefined {
  if (text === "none") return [];
  const parts = text.split(",");
  if (parts.length > MOST) return undefined;
  const entries: Priority[] = [];
  let without: Peers[] = [];
  for (const part of parts) {
    const [, network = "", of] = /^([^=]*)(?:=([0-3]))?$/.exec(part.trim()) ?? [];
    const peers = network === "none" ? undefined : parsePeers(network);
    if (!peers) return undefined;
    without.push(...peers);
    if (of === undefined) continue;
    entries.push(...without.map((clients) => ({ clients, of: Number(of) })));
    without = [];
  }
  return without.length === 0 ? entries : undefined;
}
