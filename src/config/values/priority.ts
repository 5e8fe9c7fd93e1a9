import type { Option } from "../option.ts";
import { formatPeers, NETWORK_FORMS, parsePeers, type Peers } from "../../net/networks.ts";

/** The class of those clients that no entry of `--priority` names. */
export const USUAL_CLASS = 2;

/** Most networks of one listener: each is looked at for each session. */
const MOST = 256;

/** Most characters of a wrong one that are told. */
const LONGEST = 60;

/** One entry: clients, and the class that they are in. */
export interface Priority {
  readonly clients: Peers;
  /** From 0, the first class, to 3, the last one. */
  readonly of: number;
}

const ALLOWED =
  `none, or at most ${MOST} ${NETWORK_FORMS}, with the word unix for UNIX sockets, and ` +
  "after one or several of them =N, their class from 0 to 3";

/** Networks with classes, such as `10.0.0.0/8,unix=0,192.0.2.7=3`. */
export function priority(spec: { help: string }): Option<readonly Priority[]> {
  return {
    ...spec,
    form: "NETWORKS=N",
    default: [],
    allowed: ALLOWED,
    parse: (text) => {
      const read = readPriorities(text);
      return typeof read === "string" ? undefined : read;
    },
    problem: (text) => {
      const read = readPriorities(text);
      return typeof read === "string" ? `${read}must be ${ALLOWED}` : undefined;
    },
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

/** The entries, or what is wrong: which one it is of several. */
function readPriorities(text: string): Priority[] | string {
  if (text === "none") return [];
  const parts = text.split(",");
  if (parts.length > MOST) return `has ${parts.length} networks; `;
  const wrong = (part: string, what: string) => {
    return parts.length > 1 ? `${JSON.stringify(part.trim().slice(0, LONGEST))} ${what}; ` : "";
  };
  const entries: Priority[] = [];
  let without: Peers[] = [];
  for (const part of parts) {
    const [, network = "", of] = /^([^=]*)(?:=([0-3]))?$/.exec(part.trim()) ?? [];
    const peers = network === "none" ? undefined : parsePeers(network);
    if (!peers) return wrong(part, "is wrong");
    without.push(...peers);
    if (of === undefined) continue;
    entries.push(...without.map((clients) => ({ clients, of: Number(of) })));
    without = [];
  }
  return without.length === 0 ? entries : wrong(parts.at(-1)!, "has no class");
}
