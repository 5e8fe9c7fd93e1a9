import { type DescriptorBudget, PER_SESSION, PER_TLS } from "../../net/descriptor_budget.ts";

/** The descriptors of a session over TLS without its destination's. */
const EACH = PER_SESSION + PER_TLS - 1;

/**
 * The descriptors for a client that gets the rest of what was written after its session has ended, as
 * long as none are missing; `undefined` if there are none for it.
 */
export function claimLinger(
  descriptors: Pick<DescriptorBudget, "hasRoom" | "enter" | "leave">,
): (() => void) | undefined {
  if (!descriptors.hasRoom(EACH)) return undefined;
  descriptors.enter(EACH);
  return () => descriptors.leave(EACH);
}
