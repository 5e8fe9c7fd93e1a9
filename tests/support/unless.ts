/**
 * The name of a test and whether it is left out, which the name then says with the reason.
 *
 * @param obstacles What may be in its way, and whether it is.
 */
export function unless(
  name: string,
  obstacles: Readonly<Record<string, boolean>>,
): { name: string; ignore: boolean } {
  const reasons = Object.keys(obstacles).filter((reason) => obstacles[reason]);
  if (reasons.length === 0) return { name, ignore: false };
  return { name: `${name} (skipped: ${reasons.join(", ")})`, ignore: true };
}
