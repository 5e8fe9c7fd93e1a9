import { LinkedList, type ListNode } from "../../async/linked_list.ts";
import type { HeldLimits } from "./terms.ts";

interface Held {
  readonly owner: HeldQueue;
  readonly bytes: Uint8Array;
}

/** What one client has sent and nobody has taken; belongs to {@linkcode HeldDatagrams}. */
export class HeldQueue {
  /** The oldest first: never more than a few. */
  readonly nodes: ListNode<Held>[] = [];
  /** Bytes of all of them. */
  bytes = 0;
}

/**
 * The datagrams of all clients of a listener that wait, in bounded memory: where there are too many
 * of one client, its oldest is dropped, and where there is too much in all, the oldest of all.
 */
export class HeldDatagrams {
  /** Of all clients, the oldest first. */
  readonly #all = new LinkedList<Held>();
  /** Bytes of all of them. */
  #bytes = 0;
  readonly #limits: () => HeldLimits;
  readonly #onDrop: () => void;

  /**
   * @param options.limits Those in force.
   * @param options.onDrop Called for each that is dropped.
   */
  constructor(options: { limits: () => HeldLimits; onDrop: () => void }) {
    this.#limits = options.limits;
    this.#onDrop = options.onDrop;
  }

  /** Bytes that are held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Keeps a copy of a datagram behind those of the same client. */
  hold(owner: HeldQueue, bytes: Uint8Array): void {
    const { datagrams, bytes: mostBytes, total } = this.#limits();
    owner.nodes.push(this.#all.push({ owner, bytes: bytes.slice() }));
    owner.bytes += bytes.length;
    this.#bytes += bytes.length;
    while (owner.nodes.length > datagrams || owner.bytes > mostBytes) this.#drop(owner);
    while (this.#bytes > total) this.#drop(this.#all.first!.owner);
  }

  /** The oldest of a client, which is held no more; `undefined` if there is none. */
  take(owner: HeldQueue): Uint8Array | undefined {
    const node = owner.nodes.shift();
    if (!node) return undefined;
    this.#all.remove(node);
    const { bytes } = node.value;
    owner.bytes -= bytes.length;
    this.#bytes -= bytes.length;
    return bytes;
  }

  /** Drops all of a client. */
  discard(owner: HeldQueue): void {
    while (owner.nodes.length > 0) this.#drop(owner);
  }

  #drop(owner: HeldQueue): void {
    this.take(owner);
    this.#onDrop();
  }
}
