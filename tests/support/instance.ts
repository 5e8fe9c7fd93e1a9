import type { Config, ProgramConfig } from "../../src/config/config.ts";
import { Instance } from "../../src/program/instance.ts";
import type { DestinationStatus } from "../../src/operations/destination_status.ts";
import type { OptionName } from "../../src/config/options.ts";
import { configOf } from "./config.ts";
import { quietLogs } from "./logs.ts";
import { answer, TestServer } from "./servers.ts";

export type Options = Partial<Record<OptionName, string>>;

/** A program in this process whose configuration a test can exchange. */
export async function start(...listeners: Config[]) {
  let wanted: () => ProgramConfig | Promise<ProgramConfig> = () => programOf(listeners);
  const instance = await Instance.start({
    config: programOf(listeners),
    load: () => wanted(),
    logs: quietLogs(),
  });
  return {
    instance,
    port: Number(instance.addresses[0]!.split(":").at(-1)),
    /** Reloads with other listeners, or with a configuration that fails like this. */
    async reload(...configs: [Config | Error, ...Config[]]) {
      wanted = () => {
        if (configs[0] instanceof Error) throw configs[0];
        return programOf(configs as Config[]);
      };
      return await instance.reload();
    },
    /** A reload that has begun to read a configuration that never comes to its end. */
    async reloadForEver() {
      const begun = Promise.withResolvers<void>();
      wanted = () => {
        begun.resolve();
        return new Promise(() => {});
      };
      const reloading = instance.reload();
      await begun.promise;
      return { reloading };
    },
    async destinations(): Promise<Record<string, DestinationStatus>> {
      const { listeners: [listener] } = await instance.status();
      return Object.fromEntries(listener!.destinations.map((one) => [one.name, one]));
    },
    async [Symbol.asyncDispose]() {
      await instance.quit();
    },
  };
}

function programOf(listeners: Config[]): ProgramConfig {
  return { settings: listeners[0]!, listeners };
}

/** The configuration of a listener. */
export function listener(destinations: string[], options: Options = {}, listen = "127.0.0.1:0") {
  return configOf([listen, ...destinations], options);
}

/** A destination that answers with its name, each request as soon as it is let. */
export function heldServer(name: string, options: { port?: number } = {}) {
  const hold = Promise.withResolvers<void>();
  const server = new TestServer(async (conn) => {
    await hold.promise;
    await answer(name)(conn);
  }, options);
  // A test that fails must not wait for what it would have released.
  const dispose = server[Symbol.asyncDispose].bind(server);
  server[Symbol.asyncDispose] = () => {
    hold.resolve();
    return dispose();
  };
  return { server, release: () => hold.resolve() };
}
