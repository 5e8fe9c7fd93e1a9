import { TimeoutSweep } from "../session/timeouts.ts";
import type { Parts } from "./parts.ts";

/** What looks at all live sessions from time to time, and at what is made of them. */
export function makeSweep(
  { registry, settings, clock, forecaster, routes, overload }: Pick<
    Parts,
    "registry" | "settings" | "clock" | "forecaster" | "routes" | "overload"
  >,
): TimeoutSweep {
  return new TimeoutSweep(registry.live, {
    timeouts: settings,
    clock,
    onSweep() {
      forecaster.sample();
      routes.sample();
      overload.look();
    },
    onSeen(session) {
      session.tuneForLongLife({ keepAlive: settings.keepalive === "on" });
      session.sweepListener?.onSweep(session);
    },
  });
}
