import type { Audience } from "../async/audience.ts";
import type { Session } from "./session.ts";

/** Who may have a session while it waits; `undefined` for everybody. */
export function audienceOf(session: Pick<Session, "audience" | "bound">): Audience | undefined {
  return session.bound ?? session.audience;
}
