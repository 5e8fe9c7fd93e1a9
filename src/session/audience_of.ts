import type { Audience } from "../async/audience.ts";

/** Who may have a session while it waits; `undefined` for everybody. */
export function audienceOf(
  session: { readonly audience: Audience | undefined; readonly bound: Audience | undefined },
): Audience | undefined {
  return session.bound ?? session.audience;
}
