import { type DestinationTemplate, writtenAddress } from "../config/destination_text.ts";
import { formatCheck } from "../config/values/check.ts";
import { addDestinations, type DestinationStatus } from "../operations/destination_status.ts";
import { Histogram } from "../operations/histogram.ts";
import { eachDuration } from "../operations/latencies.ts";
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
    state: "untried",
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
  const { id: _, name: __, address: ___, admin: ____, weight: _____, ...rest } = addDestinations(
    records,
  );
  return { ...none, ...rest, source: "" };
}
