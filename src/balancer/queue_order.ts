import { classLanes } from "../async/class_lane.ts";
import { fairLanes } from "../async/fair_lane.ts";
import { fifoLanes } from "../async/fifo_lane.ts";
import type { LaneMaker } from "../async/lane.ts";
import type { Settings } from "../config/options.ts";
import { type Priority, USUAL_CLASS } from "../config/values/priority.ts";
import type { SocketAddress } from "../net/address.ts";
import { ClientNetworks } from "../net/client_networks.ts";
import { isSameMask, MaskedAddress } from "../net/masked_address.ts";
import { isWithin } from "../net/networks.ts";
import type { NextOne } from "../operations/states.ts";
import type { Session } from "../session/session.ts";
import type { Queue } from "./queue.ts";

/** Settings that say in which order sessions are served. */
export type OrderSettings = Pick<Settings, "queueOrder" | "fairBy" | "fairMask" | "priority">;

/** In which order the sessions of one queue are served that wait. */
export class QueueOrder {
  /** Tells clients apart, as the mask says that counts now. */
  #networks: ClientNetworks | undefined;
  /** Whether they are told apart by the servers that they ask for. */
  #byName = false;
  /** Reads addresses, all bits of them. */
  readonly #addresses = new MaskedAddress({ v4: 32, v6: 128 });
  /** The same for as long as the queue is there: its turns go on. */
  readonly #fair: LaneMaker<Session> = fairLanes({
    // One without an address is its own client, so that these are served in the order of arrival.
    clientOf: (session) => this.#nameOf(session) ?? this.#networkOf(session) ?? session,
    noteTurn(session, turn) {
      session.turn = turn;
    },
    turnOf: ({ turn }) => turn,
  });

  /** What sessions wait in by these settings. Nothing made before is in use any more. */
  lanes({ queueOrder, fairBy, fairMask, priority }: OrderSettings): LaneMaker<Session> {
    this.#byName = fairBy === "sni";
    this.#networks = new ClientNetworks(fairMask);
    const lanes = queueOrder === "fair" ? this.#fair : fifoLanes<Session>();
    if (priority.length === 0) return lanes;
    return classLanes({
      classOf: ({ clientAddress }) => this.#classOf(clientAddress, priority),
      usual: USUAL_CLASS,
      lanes,
    });
  }

  /** What stands for the server that a client asks for, if that tells clients apart. */
  #nameOf({ hello }: Session): string | undefined {
    return this.#byName && hello?.name !== undefined ? `sni:${hello.name}` : undefined;
  }

  #networkOf({ clientAddress }: Session): string | undefined {
    return this.#networks?.of(clientAddress);
  }

  /** The class of a client: that of the first entry that matches. */
  #classOf(address: SocketAddress, priorities: readonly Priority[]): number {
    const isUnix = address.transport === "unix";
    const bytes = isUnix ? undefined : this.#addresses.bytesOf(address.hostname);
    const entry = priorities.find(({ clients }) => {
      return clients === "unix" ? isUnix : bytes && isWithin(bytes, clients);
    });
    return entry?.of ?? USUAL_CLASS;
  }
}

/** Who of those that wait in a queue is served next, by the order in force. */
export function nextOf(
  queue: Pick<Queue, "newestFirst" | "firsts">,
  { queueOrder, priority }: Pick<OrderSettings, "queueOrder" | "priority">,
): NextOne {
  if (queue.newestFirst) return "newest";
  if (queueOrder === "fair" || priority.length > 0) return "turns";
  const [, second] = queue.firsts();
  return second === undefined ? "oldest" : "several";
}

/** Whether what sessions wait in is the same by both settings. */
export function isSameOrder(one: OrderSettings, other: OrderSettings): boolean {
  const same = one.queueOrder === other.queueOrder && isSame(one.priority, other.priority);
  const sameClients = one.fairBy === other.fairBy && isSameMask(one.fairMask, other.fairMask);
  return same && (one.queueOrder === "fifo" || sameClients);
}

function isSame(one: readonly Priority[], other: readonly Priority[]): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
