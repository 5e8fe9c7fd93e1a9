/** What is said where programs cannot be run, in words that follow what would have to be. */
export const MAY_NOT_RUN =
  "this iawlb was made without the permission to run programs (deno task compile --without run)";

/** Whether the runtime lets this program run others. */
export function mayRun(): boolean {
  return Deno.permissions.querySync({ name: "run" }).state === "granted";
}
