import { destinationStatus } from "../balancer/status.ts";
import { monotonic } from "../base/clock.ts";
import { type DestinationTemplate, writtenAddress } from "../config/destination_text.ts";
import { nameAt } from "../config/tls_out_terms.ts";
import { Destination } from "../destinations/destination.ts";
import { addDestinations, type DestinationStatus } from "../operations/destination_status.ts";
import { ageOfAny } from "../operations/destination_facts.ts";
import { bestState } from "../operations/states.ts";
import type { ListenerStatus } from "../operations/listener_status.ts";

/** What all records of a name are doing, as if it were one destination. */
export function statusOfName(
  listener: ListenerStatus,
  template: DestinationTemplate,
): DestinationStatus {
  const { name } = template;
  const { id, admin } = listener.names.find((one) => one.name === name)!;
  const records = listener.destinations.filter(({ source }) => source === name);
  const present = records.filter(({ leaving }) => !leaving);
  const none = statusWithoutRecords(template);
  return {
    ...(records.length > 0 ? addDestinations(records) : none),
    // What counts for each of them is told as it is configured.
    ...{ id, name, address: writtenAddress(template), source: "", admin, leaving: false },
    ...{ limit: none.limit, weight: none.weight, backup: none.backup, tier: none.tier },
    ...(present.length > 0 ? best(present) : { state: admin === "ready" ? "untried" : admin }),
  };
}

/** The state that some show together. */
function best(
  all: readonly DestinationStatus[],
): Pick<DestinationStatus, "state" | "state_age_ms"> {
  const state = bestState(all.map((one) => one.state));
  return { state, state_age_ms: ageOfAny(all, state) };
}

/** That of a destination with the same options that nobody has ever connected to. */
function statusWithoutRecords({ lookup, ...options }: DestinationTemplate): DestinationStatus {
  const address = { transport: "tcp", hostname: "0.0.0.0", port: 1 } as const;
  const nowhere = new Destination(
    { ...options, "tls-name": options["tls-name"] || nameAt(lookup), address },
    monotonic,
  );
  return destinationStatus(nowhere, { id: 0, live: new Map() });
}
