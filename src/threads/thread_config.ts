import type { ListenerConfig } from "../config/config.ts";
import { shareOfDestination, shareOfLimits, type ThreadPosition } from "../config/thread_shares.ts";
import type { DestinationsMessage, ThreadConfig } from "./messages.ts";

/** Most destinations in one message: a millisecond or two for the thread that sends them. */
const DESTINATIONS_A_MESSAGE = 500;

/** The share of one thread of all that is configured, beside the destinations. */
export function threadConfigOf(
  config: ListenerConfig,
  { port, position }: { port: number; position: ThreadPosition },
): ThreadConfig {
  // What it was read from is of no use there.
  const { destinations: _, texts: __, configured: ___, ...others }:
    & ListenerConfig
    & { texts?: unknown; configured?: unknown } = config;
  return shareOfLimits({ ...others, listen: { ...others.listen, port } }, position);
}

/** What tells one thread its share of all destinations. */
export function* destinationsMessages(
  { destinations }: ListenerConfig,
  position: ThreadPosition,
): Generator<DestinationsMessage, void> {
  for (let from = 0; from < destinations.length; from += DESTINATIONS_A_MESSAGE) {
    const part = destinations.slice(from, from + DESTINATIONS_A_MESSAGE);
    yield {
      kind: "destinations",
      destinations: part.map((one) => shareOfDestination(one, position)),
    };
  }
}
