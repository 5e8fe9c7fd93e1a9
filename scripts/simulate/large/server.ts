import type { Client } from "./client.ts";
import type { Clockwork } from "./clockwork.ts";
import type { Servers, Slow } from "./scene.ts";

/** Learns what a server does. */
export interface ServerObserver {
  /** It begins to work on a session, for so many milliseconds. */
  onBegin(client: Client, server: Server, took: number): void;
  /** The answer is there. */
  onAnswer(client: Client): void;
}

/** Options of {@linkcode Server}. */
interface ServerOptions {
  readonly clockwork: Clockwork;
  readonly observer: ServerObserver;
  readonly slow: Slow | undefined;
  /** How much longer a balancer's slot is taken. */
  readonly overhead: number;
}

/** A server that works on so many sessions at a time; others wait there, whoever has sent them. */
export class Server {
  readonly number: number;
  readonly slots: number;
  /** Where it is. */
  readonly hostname: string;
  readonly port: number;
  readonly #ms: number;
  readonly #options: ServerOptions;
  readonly #waiting: Client[] = [];
  #active = 0;

  /** @param number Which one it is, from 0. */
  constructor(number: number, { ms, slots, port }: Servers, options: ServerOptions) {
    this.number = number;
    this.hostname = port === undefined ? `10.0.${number >> 8}.${number & 255}` : "127.0.0.1";
    this.port = port ?? 80;
    this.slots = slots;
    this.#ms = ms;
    this.#options = options;
  }

  /** Gets a session; resolves when the balancer's slot is free again. */
  serve(client: Client): Promise<void> {
    return new Promise((resolve) => {
      client.leave = resolve;
      if (this.#active === this.slots) this.#waiting.push(client);
      else this.#begin(client);
    });
  }

  #begin(client: Client): void {
    this.#active++;
    const { clockwork, observer, overhead, slow } = this.#options;
    const { now } = clockwork;
    const isSlow = slow && this.number < slow.servers && now >= slow.from;
    const took = client.work * this.#ms * (isSlow ? slow.factor : 1);
    observer.onBegin(client, this, took);
    clockwork.at(now + took, () => {
      this.#active--;
      observer.onAnswer(client);
      if (overhead > 0) clockwork.at(now + took + overhead, client.leave!);
      else client.leave!();
      const next = this.#waiting.shift();
      if (next) this.#begin(next);
    });
  }
}
