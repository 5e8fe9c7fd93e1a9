import type { Address } from "../../net/address.ts";
import { collides } from "../../net/address_relations.ts";
import type { Sharing } from "../../net/sharing.ts";

/** What this process shares with the one that it replaces, until it has. */
export class Beside implements Sharing {
  /** Where that one listens. */
  #held: readonly Address[] | undefined;
  /** What gives the paths to the sockets of this one. */
  #takes: (() => void)[] = [];

  /** @param held Where the process listens that is replaced; absent if none is. */
  constructor(held: readonly Address[] | undefined) {
    this.#held = held;
  }

  get beside(): boolean {
    return this.#held !== undefined;
  }

  isHeld(address: Address): boolean {
    return this.#held?.some((one) => collides(one, address)) ?? false;
  }

  atHandOver(take: () => void): void {
    this.#takes.push(take);
  }

  /**
   * Gives the paths to the sockets of this process, which is on its own from here.
   *
   * @throws The system's error, if one cannot be given.
   */
  handOver(): void {
    for (const take of this.#takes) take();
    this.#takes = [];
    this.#held = undefined;
  }
}
