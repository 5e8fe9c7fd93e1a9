import type { Logger } from "@logtape/logtape";
import type { Config, ListenerConfig } from "../config/config.ts";
import { isTemplate, writtenAddress } from "../config/destination_text.ts";
import { certificatesOf } from "../config/tls_rules.ts";
import { LISTENER_ROWS } from "../config/options/listener.ts";
import type { ListenerStatus } from "../operations/listener_status.ts";
import type { Totals } from "../operations/totals.ts";
import { formatDuration } from "../base/duration.ts";
import { plural } from "../base/text.ts";

/** How many destinations are all told of at the start, and how many of more than that. */
const MOST_SHOWN = 6;
const FIRST_SHOWN = 3;

/** What whoever sets no limit has. */
const [, MOST_WORKERS] = LISTENER_ROWS.workers.notation!.integers!;

/** Says in the log that sessions are accepted, where, and for which destinations. */
export function logStart(
  log: Logger,
  address: string,
  config: ListenerConfig & Partial<Pick<Config, "configured">>,
): void {
  const { configured = config.destinations } = config;
  const shown = configured.length > MOST_SHOWN ? configured.slice(0, FIRST_SHOWN) : configured;
  const destinations = shown.map((one) => {
    const workers = one.workers === 0
      ? `up to ${plural(one["workers-max"], "worker")}, auto`
      : one.workers === MOST_WORKERS
      ? "any number of workers"
      : plural(one.workers, "worker");
    return isTemplate(one)
      ? `${writtenAddress(one)} (${workers} each)`
      : `${one.name} (${workers})`;
  });
  const rest = configured.length - shown.length;
  const pairs = certificatesOf(config).length;
  const tls = pairs === 0 ? "" : `; TLS with ${plural(pairs, "certificate")}`;
  log.info("listening on {address} for {destinations}; queue {queue}{tls}", {
    address,
    tls,
    destinations: rest === 0
      ? destinations.join(", ")
      : `${configured.length} destinations: ${destinations.join(", ")} and ${rest} more`,
    queue: config.queue,
  });
}

/** Says in the log that no more sessions are accepted, and how many are left. */
export function logDraining(
  log: Logger,
  status: Pick<ListenerStatus, "active" | "waiting" | "greeting">,
  drainTimeout: number,
): void {
  const { active, waiting, greeting } = status;
  const message = "draining: {active} sessions active, {waiting} waiting, " +
    (greeting > 0 ? "{greeting} being greeted, " : "") + "at most {limit}";
  log.info(message, {
    active,
    waiting,
    ...greeting > 0 && { greeting },
    limit: drainTimeout === 0 ? "for ever" : formatDuration(drainTimeout),
  });
}

/** Says in the log how many sessions each of several threads or processes has had; nothing if none. */
export function logChildren(log: Logger, { children }: Pick<ListenerStatus, "children">): void {
  if (children.length === 0) return;
  const parts = children.map(({ name, accepted }) => `${accepted} by ${name}`);
  log.info("sessions accepted: {children}", { children: parts.join(", ") });
}

/** Says in the log what became of everything. Returns whether nothing was cut. */
export function logDrained(log: Logger, { accepted, outcomes, balanced }: Totals): boolean {
  const parts = Object.entries(outcomes).map(([outcome, number]) => `${number} ${outcome}`);
  const balance = `${accepted} accepted = ${parts.join(" + ")}`;
  if (!balanced) {
    log.error("the totals do not add up, which is a defect: {balance}", { balance });
  }
  if (outcomes.cut > 0) {
    log.warning("drained, but sessions were cut: {balance}", { balance });
  } else log.info("drained, nothing was cut: {balance}", { balance });
  return outcomes.cut === 0;
}
