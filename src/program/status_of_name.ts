import { type DestinationTemplate, writtenAddress } from "../config/destination_text.ts";
import { formatCheck } from "../config/values/check.ts";
import { addDestinations, type DestinationStatus } from "../operations/destination_status.ts";
import { Histogram } from "../operations/histogram.ts";
import { eachDuration } from "../operations/latencies.ts";
import { joinStates } from "../operations/states.ts";
import type { ListenerStatus } from "../operations/listener_status.ts";

/** What all records of a name are doing, as if it were one destination. */
export function statusOfName(
  listener: ListenerStatus,
  template: DestinationTemplate,
): DestinationStatus {
  const { name, weight, backup, check, workers } = template;
  const { id, admin } = listener.names.find((one) => one.name === name)!;
  const none: DestinationStatus = {
    id,
    name,
    address: writtenAddress(template),
    source: "",
    state: admin === "ready" ? "untried" : admin,
    admin,
    leaving: false,
    limit: workers,
    weight,
    backup: backup > 0,
    tier: backup,
    check: formatCheck(check),
    workers: 0,
    active: 0,
    sessions: 0,
    failures: 0,
    lookup_failures: 0,
    bytes_up: 0,
    bytes_down: 0,
    latencies: eachDuration(() => new Histogram().data),
  };
  const records = listener.destinations.filter(({ source }) => source === name);
  if (records.length === 0) return none;
  const present = records.filter(({ leaving }) => !leaving).map(({ state }) => state);
  return {
    ...addDestinations(records),
    // What counts for each of them is told as it is configured.
    ...{ id, name, address: none.address, source: "", admin, leaving: false },
    ...{ limit: workers, weight, backup: none.backup, tier: backup, check: none.check },
    state: present.length > 0 ? joinStates(present) : none.state,
  };
}
