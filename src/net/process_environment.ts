import { shortIp, type SocketAddress } from "./address.ts";

/**
 * What a program that serves a connection finds in its environment, as tcpserver (ucspi-tcp) and
 * systemd set it, and nothing else: IPv4 as such also at a socket of IPv6. Without a client there is
 * nothing to tell.
 *
 * @see https://cr.yp.to/ucspi-tcp/environment.html
 * @see systemd.exec(5), REMOTE_ADDR
 */
export function connectionEnvironment(
  client: SocketAddress | undefined,
  listener: SocketAddress | undefined,
): Record<string, string> {
  if (!client) return {};
  if (client.transport === "unix") return { PROTO: "UNIX" };
  const local: Record<string, string> = listener && "port" in listener
    ? { TCPLOCALIP: shortIp(listener.hostname), TCPLOCALPORT: String(listener.port) }
    : {};
  const hostname = shortIp(client.hostname);
  const port = String(client.port);
  return {
    PROTO: "TCP",
    ...local,
    TCPREMOTEIP: hostname,
    TCPREMOTEPORT: port,
    REMOTE_ADDR: hostname,
    REMOTE_PORT: port,
  };
}
