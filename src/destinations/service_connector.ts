import { answersOfService } from "../config/options/service.ts";
import { formatPlace, type Place, type ServiceAddress } from "../config/service_address.ts";
import { keepSpareThread } from "../base/spare_thread.ts";
import type { Timer } from "../base/timer.ts";
import { formatSocketAddress } from "../net/address.ts";
import { DialError, type DialOptions } from "../net/dial.ts";
import type { Stream } from "../net/stream.ts";
import type { ChildStatus } from "../operations/child_status.ts";
import { startProcess } from "../services/own_process.ts";
import { ProcessPool } from "../services/process_pool.ts";
import type { Client, Service, ServiceContext } from "../services/service.ts";
import { makeService } from "../services/services.ts";

/** A process that is started for a session and ends with it. */
const ONE_EACH = { minSpare: 0, maxSpare: 0, most: Infinity, sessions: 1 };

/** What a destination that is a service is configured by. */
interface ServiceConfig {
  readonly address: Place;
  /** Most sessions at a time; 0 = it is found out, up to `workers-max`. */
  readonly workers: number;
  readonly "workers-max": number;
}

/** What a connector to a service is made of. */
export interface ServiceConnectorOptions {
  /** Whose it is: what that is called, and where it is, both as they are now. */
  readonly destination: { readonly name: string; readonly config: ServiceConfig };
  readonly context: ServiceContext;
}

/** A connector to a service of this program: nothing is connected, and nothing can be tried. */
export class ServiceConnector {
  readonly description: string;
  readonly isTried = false;
  readonly isLocated = true;
  readonly isSilent: boolean;
  readonly #destination: ServiceConnectorOptions["destination"];
  readonly #service: Service;
  readonly #context: ServiceContext;
  /** Its processes, if it has some. */
  readonly #pool: ProcessPool | undefined;
  /** They may be so many that the runtime gets no other thread. */
  readonly #thread: Timer | undefined;
  readonly #since = performance.now();

  constructor(address: ServiceAddress, { destination, context }: ServiceConnectorOptions) {
    this.description = formatPlace(address);
    this.isSilent = answersOfService(address.service) === 0;
    this.#destination = destination;
    this.#context = context;
    const settings = () => this.#settings;
    this.#service = makeService(address.service, {
      name: () => destination.name,
      settings,
      context,
    });
    if (!["each", "pool"].includes(address.settings.processes)) return;
    this.#thread = keepSpareThread();
    this.#pool = this.#makePool(address);
    this.#pool.fill();
  }

  /** What each of its processes has done. */
  get children(): ChildStatus[] {
    return this.#settings.processes === "pool" ? this.#pool!.children : [];
  }

  connect({ caller }: DialOptions): Promise<Stream> {
    if (this.#isAway()) return Promise.reject(this.#refusal());
    const { clientAddress } = caller ?? {};
    const name = clientAddress ? formatSocketAddress(clientAddress) : "-";
    const port = clientAddress && "port" in clientAddress ? { port: clientAddress.port } : {};
    const client = { name, ...port };
    if (this.#pool) return this.#connectProcess(this.#pool, client);
    if (!this.#context.datagrams) return Promise.resolve(this.#service.connect(client));
    // That there is one is made sure of where the configuration is read.
    return Promise.resolve(this.#service.exchange!(client));
  }

  finish(finishing: boolean): void {
    this.#service.finish?.(finishing);
    this.#pool?.finish(finishing);
  }

  close(): void {
    this.#pool?.close();
    this.#thread?.stop();
  }

  /** As they are now: a reload may have changed what is in a file. */
  get #settings(): ServiceAddress["settings"] {
    return (this.#destination.config.address as ServiceAddress).settings;
  }

  #makePool(address: ServiceAddress): ProcessPool {
    return new ProcessPool({
      // Of a service that cannot see to its end the client says when it is over.
      finishes: this.#service.finish !== undefined,
      settings: () => {
        const settings = this.#settings;
        if (settings.processes === "each") return ONE_EACH;
        const { workers, "workers-max": most } = this.#destination.config;
        return {
          minSpare: settings["min-spare"],
          maxSpare: settings["max-spare"],
          most: workers || most,
          sessions: settings["requests-per-process"],
        };
      },
      claim: () => this.#context.claimProcess ? this.#context.claimProcess() : () => {},
      start: (onEnd) => startProcess(address, { log: this.#context.log, onEnd }),
    });
  }

  // deno-lint-ignore require-await -- what fails is a rejection
  async #connectProcess(pool: ProcessPool, { port = 0 }: Client): Promise<Stream> {
    try {
      return this.#context.datagrams ? pool.exchange(port) : pool.open();
    } catch (error) {
      throw new DialError([{ where: this.description, error }]);
    }
  }

  /** Whether it is its turn to be away. */
  #isAway(): boolean {
    const { fail } = this.#settings;
    if (fail.kind !== "away") return false;
    return Math.floor((performance.now() - this.#since) / fail.ms) % 2 === 1;
  }

  #refusal(): DialError {
    const message = "Connection refused (it is away for a while, on purpose)";
    const error = new Deno.errors.ConnectionRefused(message);
    return new DialError([{ where: this.description, error }]);
  }
}
