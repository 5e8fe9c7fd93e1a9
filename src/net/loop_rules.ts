import { shortIp } from "./address.ts";
import { isLoopbackIp } from "./address_relations.ts";
import type { Ends, Trail, Trails } from "./trails.ts";

/** Whether both ends of a connection are on this machine, as far as their addresses say. */
export function isHere({ client, server }: Ends): boolean {
  const [one, other] = [shortIp(client.hostname), shortIp(server.hostname)];
  return one === other || (isLoopbackIp(one) && isLoopbackIp(other));
}

/**
 * The ends of what is sent between two ports of UDP of this machine: by the ports alone, since its client gets an address only with each
 * datagram that it sends. Notes of them belong to {@linkcode Trails.datagrams}.
 */
export function endsOfPorts(client: number, server: number): Ends {
  return { client: { hostname: "", port: client }, server: { hostname: "", port: server } };
}

/**
 * Whether a connect to the socket file of a listener leads a session back to where it was already.
 *
 * Of clients of a UNIX socket it is not known whence they come. So a circle that only socket files
 * close is found by the connections that there are, where it leads to a listener that is not younger.
 */
export function returns(
  trails: Trails,
  way: { trail: Trail; from: number; to: number },
): boolean {
  const { trail, from, to } = way;
  if (to === from) return true;
  const reached = trails.reach(to);
  if (trail.some(({ listener }) => reached.has(listener))) return true;
  return reached.has(from) && to < from;
}
