import type { Audience } from "../../async/audience.ts";
import type { Settings } from "../../config/options.ts";
import type { Destination } from "../../destinations/destination.ts";
import type { Session } from "../../session/session.ts";
import { ClientHash } from "./client_hash.ts";
import { LeastConn } from "./least_conn.ts";
import type { Binding, Policy } from "./policy.ts";
import { Rendezvous, type Terms } from "./rendezvous.ts";

/** Settings of {@linkcode Hash}. */
export type HashSettings = Pick<Settings, "hashMask" | "hashWait">;

const ALL: Terms = {};
const FREE: Terms = { free: true };

/**
 * Each client has an order of the destinations, which its address decides: the first one that serves
 * is the one for it. Its sessions are bound to that for `--hash-wait`, and go to the first one with a
 * free slot after that.
 *
 * Clients without an address have no order: the destination with the fewest sessions for its weight
 * gets theirs.
 */
export class Hash extends LeastConn implements Policy, Binding {
  readonly #clients: ClientHash;
  readonly #orders = new Rendezvous();
  readonly patience: number;

  constructor({ hashMask, hashWait }: HashSettings) {
    super();
    this.#clients = new ClientHash(hashMask);
    this.patience = hashWait;
  }

  get binding(): Binding {
    return this;
  }

  override add(destination: Destination): void {
    super.add(destination);
    this.#orders.add(destination);
  }

  override remove(destination: Destination): void {
    super.remove(destination);
    this.#orders.remove(destination);
  }

  override update(destination: Destination, free: boolean): void {
    super.update(destination, free);
    this.#orders.mark(destination, free);
  }

  note(destination: Destination, serves: boolean): void {
    this.#orders.weigh(destination, serves ? destination.weight : 0);
  }

  serves(destination: object): boolean {
    return this.#orders.serves(destination);
  }

  choose({ clientAddress, audience }: Session): Destination | undefined {
    // Nobody else may have it anyway.
    if (audience?.only) return undefined;
    const client = this.#clients.of(clientAddress);
    if (client === undefined) return undefined;
    return this.#orders.first(client, audience ? { audience } : ALL);
  }

  override next(audience?: Audience, session?: Session): Destination | undefined {
    const least = super.next(audience);
    // Nobody has a free slot, or who gets it is decided.
    if (!least || !session || audience?.only) return least;
    const client = this.#clients.of(session.clientAddress);
    if (client === undefined) return least;
    return this.#orders.first(client, audience ? { audience, free: true } : FREE);
  }
}
