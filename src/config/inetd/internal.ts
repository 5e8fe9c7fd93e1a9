/** The services that inetd has itself, all of which this program has as well. */
export const INTERNAL_SERVICES = ["echo", "discard", "chargen", "daytime", "time"] as const;

/** Whether inetd has a service of this name itself. */
export function isInternal(name: string): name is (typeof INTERNAL_SERVICES)[number] {
  return INTERNAL_SERVICES.some((one) => one === name);
}
