import { isIp, type SocketAddress } from "../net/address.ts";

/** Variables that tell who the client is: those of systemd, of tcpserver, of xinetd. */
const VARIABLES = [
  ["REMOTE_ADDR", "REMOTE_PORT"],
  ["TCPREMOTEIP", "TCPREMOTEPORT"],
  ["REMOTE_HOST", undefined],
] as const;

/** The part of `Deno.env` that is needed here. */
interface Environment {
  get(name: string): string | undefined;
}

/** Who the client is by the environment, as whoever has accepted it has set it. */
export function clientOfEnvironment(env: Environment = Deno.env): SocketAddress | undefined {
  for (const [address, port] of VARIABLES) {
    const hostname = env.get(address)?.replace(/%.*$/, "");
    if (hostname === undefined || !isIp(hostname)) continue;
    const number = port === undefined ? 0 : Number(env.get(port));
    return {
      transport: "tcp",
      hostname,
      port: Number.isInteger(number) && number >= 0 && number <= 65535 ? number : 0,
    };
  }
}
