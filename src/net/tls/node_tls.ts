/**
 * Whether the runtime has the sockets of TLS of Node.js: they can serve over any stream, show a
 * certificate of a client, ask for one, and leave out the verification (Deno 2.8 and newer).
 */
export function hasNodeTls(version: string = Deno.version.deno): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 2 || (major === 2 && minor >= 8);
}
