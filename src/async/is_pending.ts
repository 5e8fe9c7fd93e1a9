/** More than the runtime and our own wrappers need to pass a result on. */
const MICROTASKS = 16;

/**
 * Whether an operation that has just begun has to wait, told before anything else happens: one that is
 * finished at once has resolved or failed after a few microtasks.
 */
export async function isPending(operation: Promise<unknown>): Promise<boolean> {
  let pending = true;
  const over = () => void (pending = false);
  operation.then(over, over);
  for (let i = 0; pending && i < MICROTASKS; i++) await undefined;
  return pending;
}
