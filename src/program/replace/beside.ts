import type { Address } from "../../net/address.ts";
import { collides } from "../../net/address_relations.ts";
import type { Sharing, Takeable } from "../../net/sharing.ts";

/** What this process shares with the one that it replaces, until it has. */
export class Beside implements Sharing {
  /** Where that one listens. */
  #held: readonly Address[] | undefined;
  /** The paths that the sockets of this one are to get. */
  #paths: Takeable[] = [];

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

  atHandOver(path: Takeable): void {
    this.#paths.push(path);
  }

  /** @throws {Error} If {@linkcode handOver} would fail for something that is in the way. */
  check(): void {
    for (const path of this.#paths) path.check();
  }

  /**
   * Gives the paths to the sockets of this process, which is on its own from here.
   *
   * @throws The system's error, if one cannot be given.
   */
  handOver(): void {
    for (const path of this.#paths) path.take();
    this.#paths = [];
    this.#held = undefined;
  }
}
