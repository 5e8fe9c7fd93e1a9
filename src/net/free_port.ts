/** The first of so many ports of this machine that nobody listens on; the first one if all are in use. */
export function freePort(first: number, number: number): number {
  for (let port = first; port < first + number; port++) {
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  return first;
}
