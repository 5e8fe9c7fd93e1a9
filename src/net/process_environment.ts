import { shortIp, type SocketAddress } from "./address.ts";

/**
 * What a program that serves a connection finds in its environment, as tcpserver (ucspi-tcp) and
 * systemd set it, and nothing else. Without a client there is nothing to tell. An address of IPv4 is
 * written as such, also where the socket is one of IPv6: programs compare it.
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
  const [ip, port] = [shortIp(client.hostname), String(client.port)];
  return {
    PROTO: "TCP",
    ...local,
    TCPREMOTEIP: ip,
    TCPREMOTEPORT: port,
    REMOTE_ADDR: ip,
    REMOTE_PORT: port,
  };
}
