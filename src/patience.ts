/** Waits for something, but no longer than the given time, in milliseconds. */
export async function waitAtMost(ms: number, promise: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const impatient = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    await Promise.race([promise, impatient]);
  } finally {
    clearTimeout(timer);
  }
}
