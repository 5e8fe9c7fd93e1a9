import { formatPlace, type Place, type ServiceAddress } from "../config/service_address.ts";
import { formatSocketAddress } from "../net/address.ts";
import { DialError, type DialOptions } from "../net/dial.ts";
import type { Stream } from "../net/stream.ts";
import { startProcess } from "../services/own_process.ts";
import type { Service, ServiceContext } from "../services/service.ts";
import { makeService } from "../services/services.ts";

/** What a connector to a service is made of. */
export interface ServiceConnectorOptions {
  /** Whose it is: what that is called, and where it is, both as they are now. */
  readonly destination: { readonly name: string; readonly config: { readonly address: Place } };
  readonly context: ServiceContext;
}

/** A connector to a service of this program: nothing is connected, and nothing can be tried. */
export class ServiceConnector {
  readonly description: string;
  readonly isTried = false;
  readonly isLocated = true;
  readonly #destination: ServiceConnectorOptions["destination"];
  readonly #service: Service;
  readonly #context: ServiceContext;
  readonly #since = performance.now();

  constructor(address: ServiceAddress, { destination, context }: ServiceConnectorOptions) {
    this.description = formatPlace(address);
    this.#destination = destination;
    this.#context = context;
    const settings = () => this.#settings;
    this.#service = makeService(address.service, {
      name: () => destination.name,
      settings,
      context,
    });
  }

  connect({ caller }: DialOptions): Promise<Stream> {
    if (this.#isAway()) return Promise.reject(this.#refusal());
    if (this.#settings.processes === "each") return this.#startProcess();
    const { clientAddress } = caller ?? {};
    const name = clientAddress ? formatSocketAddress(clientAddress) : "-";
    const port = clientAddress && "port" in clientAddress ? { port: clientAddress.port } : {};
    const client = { name, ...port };
    if (!this.#context.datagrams) return Promise.resolve(this.#service.connect(client));
    // That there is one is made sure of where the configuration is read.
    return Promise.resolve(this.#service.exchange!(client));
  }

  finish(finishing: boolean): void {
    this.#service.finish?.(finishing);
  }

  /** As they are now: a reload may have changed what is in a file. */
  get #settings(): ServiceAddress["settings"] {
    return (this.#destination.config.address as ServiceAddress).settings;
  }

  async #startProcess(): Promise<Stream> {
    try {
      const { address } = this.#destination.config;
      return await startProcess(address as ServiceAddress, this.#context.log);
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
