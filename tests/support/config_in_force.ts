import { destinationInForce, listenerInForce, programInForce } from "../../src/config/in_force.ts";
import { optionTextsOf } from "../../src/config/destination_text.ts";
import { readSettings } from "../../src/config/options.ts";
import type { ConfigInForce } from "../../src/operations/config_in_force.ts";
import type { ListenerStatus } from "../../src/operations/listener_status.ts";
import { configOf } from "./config.ts";

/** What listeners with such statuses most likely run by. */
export function configInForceOf(listeners: readonly ListenerStatus[]): ConfigInForce {
  const program = { admin: "9090" };
  return {
    file: "/etc/iawlb/iawlb.toml",
    settings: programInForce(readSettings(program), program),
    listeners: listeners.map(({ id, name, address, balance, queue, destinations }) => {
      const texts = destinations.map((one) => {
        // What looks like an address is no name that could be given.
        const name = /[:@/]/.test(one.name) ? "" : `,name=${one.name}`;
        return `192.0.2.1:${Number(one.id.split(".")[1]) + 1}${name},workers=${one.limit || 1}` +
          (one.backup ? ",backup" : "");
      });
      const config = configOf(["8080", ...texts], {
        balance,
        queue: String(Math.min(queue, 1_000_000)),
      });
      return {
        id,
        name,
        listen: address.split(", "),
        options: listenerInForce(config),
        destinations: config.configured.map((one, i) => {
          const options = { id: destinations[i]!.id, texts: optionTextsOf(texts[i]!) };
          return { ...destinationInForce(one, options), address: destinations[i]!.address };
        }),
      };
    }),
  };
}
