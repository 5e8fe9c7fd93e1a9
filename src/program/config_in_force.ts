import type { Chunks } from "../async/chunks.ts";
import type { ProgramConfig } from "../config/config.ts";
import { type DestinationTemplate, isTemplate, optionTextsOf } from "../config/destination_text.ts";
import { destinationInForce, listenerInForce, programInForce } from "../config/in_force.ts";
import type {
  ConfigInForce,
  DestinationInForce,
  ListenerInForce,
} from "../operations/config_in_force.ts";
import type { ManagedListener } from "./managed_listener.ts";

/** What the program runs by, in small parts. */
export function* configInForce(
  { settings, written }: Pick<ProgramConfig, "settings" | "written">,
  listeners: readonly ManagedListener[],
): Chunks<ConfigInForce> {
  const all: ListenerInForce[] = [];
  for (const listener of listeners) {
    all.push(yield* ofListener(listener));
  }
  return {
    file: written?.file ?? null,
    settings: programInForce(settings, written?.options ?? {}),
    listeners: all,
  };
}

function* ofListener(listener: ManagedListener): Chunks<ListenerInForce> {
  // All of the same moment: what changes meanwhile is another configuration.
  const { id, name, balancer, config } = listener;
  const listen = balancer.address.split(", ");
  const ids = [config.configured, config.destinations].map((all) => {
    return all.map((one) => listener.idOf(one));
  });
  const destinations: DestinationInForce[] = [];
  const templates = new Map<string, { texts: object; template: DestinationTemplate }>();
  for (const [i, one] of config.configured.entries()) {
    yield;
    const texts = optionTextsOf(config.texts.destinations[i]!);
    destinations.push(destinationInForce(one, { id: ids[0]![i]!, texts }));
    if (isTemplate(one)) templates.set(one.name, { texts, template: one });
  }
  for (const [i, record] of config.destinations.entries()) {
    yield;
    const { texts = {}, template } = templates.get(record.source ?? "") ?? {};
    if (!template) continue;
    destinations.push(destinationInForce(record, { id: ids[1]![i]!, texts, template }));
  }
  return { id, name, listen, options: listenerInForce(config), destinations };
}
