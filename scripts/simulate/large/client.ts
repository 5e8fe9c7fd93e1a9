import type { Audience } from "../../../src/async/audience.ts";
import type { Session } from "../../../src/session/session.ts";
import type { SocketAddress } from "../../../src/net/address.ts";
import type { Visit } from "./scene.ts";

const NOTHING = { bytes: 0 };

/** As much of a session as the queue, the worker pool and the policies look at. */
export class Client {
  arrival = 0;
  attempts = 0;
  audience: Audience | undefined;
  bound: Audience | undefined;
  joinedAt: number | undefined;
  readonly route = undefined;
  readonly reason = undefined;
  readonly connectedAt = undefined;
  readonly up = NOTHING;
  readonly down = NOTHING;
  readonly clientAddress: SocketAddress;
  /** When it came. */
  readonly acceptedAt: number;
  /** In which order it came, from 0. */
  readonly number: number;
  readonly work: number;
  /** Called when its balancer's slot is free again. */
  leave: (() => void) | undefined;

  constructor(visit: Visit, number: number) {
    this.number = number;
    this.acceptedAt = visit.at;
    this.work = visit.work;
    this.clientAddress = new Address(visit.client);
  }

  /** It begins to wait. */
  wait(): void {}

  get asSession(): Session {
    return this as unknown as Session;
  }
}

/** The address of a client, as text only if somebody asks: most policies do not. */
class Address {
  readonly transport = "tcp";
  readonly port = 40_000;
  readonly #client: number;

  constructor(client: number) {
    this.#client = client;
  }

  get hostname(): string {
    const client = this.#client;
    return `10.${client >> 16 & 255}.${client >> 8 & 255}.${client & 255}`;
  }
}
