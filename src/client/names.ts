import { plural } from "../base/text.ts";
import type { ListenerStatus } from "../operations/listener_status.ts";
import type { NameStatus } from "../operations/name_status.ts";
import { formatSpan, plain } from "./format.ts";

/** The names of a listener; an earlier version does not tell them. */
export function namesOf({ names }: ListenerStatus): readonly NameStatus[] {
  return (names as readonly NameStatus[] | undefined) ?? [];
}

/** What there is to say about a name. */
export function nameText({ name, address, records, admin, ...rest }: NameStatus): string {
  const { failures, last_error, age_ms } = rest;
  const parts = [
    plural(records, "record"),
    ...(admin === "ready" ? [] : [admin]),
    // One kind of addresses may be answered, and the other one never.
    age_ms === null
      ? `never answered${records > 0 ? " in full" : ""}`
      : `answered ${formatSpan(age_ms)} ago`,
    ...(failures > 0 ? [plural(failures, "failure")] : []),
    ...(last_error === "" ? [] : [`the latest look-up: ${last_error}`]),
  ];
  return plain(`${name} (${address}): ${parts.join(", ")}`);
}
