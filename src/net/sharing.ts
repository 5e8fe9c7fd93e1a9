import type { Address } from "./address.ts";

/**
 * How a process shares the addresses that it listens at with the one that it replaces, and later with
 * the one that replaces it: ports of TCP by SO_REUSEPORT, which the kernel allows to sockets of the
 * same user alone; ports of UDP by SO_REUSEADDR, where the newest socket gets all datagrams; paths by
 * a rename, which has no moment in between. Linux only.
 */
export interface Sharing {
  /** Whether the process that is replaced serves meanwhile. */
  readonly beside: boolean;
  /** Whether that process listens there; whoever else does is in the way. */
  isHeld(address: Address): boolean;
  /** Gives the sockets of this process their paths when that is to be. */
  atHandOver(path: Takeable): void;
}

/** A path that a socket is to get. */
export interface Takeable {
  /** @throws {Error} If it could not get it as things are. */
  check(): void;
  /** @throws {Error} If it cannot get it. */
  take(): void;
}
