import { UsageError } from "../../base/errors.ts";
import type { SocketAddress } from "../address.ts";
import { Loopback } from "../loopback.ts";
import { connOf } from "../socket.ts";
import { findHandles, type Handles, LISTENER } from "./handles.ts";
import { ownSockets, type Passed, PassedSockets } from "./sockets.ts";
import { boundAddress, type ConnClass } from "./sources.ts";
import { type PassedDescriptor, takePassedDescriptors } from "./variables.ts";

/** What the system says of a descriptor that cannot be listened on. */
const PROBLEMS: Readonly<Record<number, string>> = {
  [-9]: "is not open",
  [-22]:
    "is a connection, not a listening socket: that is what Accept=yes passes, and is for iawlb -i",
  [-88]: "is no socket",
  [-95]:
    "is a socket of datagrams, which the runtime cannot take over; a udp: listener binds its own",
};

/**
 * Takes over what was passed to this process, for {@linkcode passedSockets}.
 *
 * @returns Their addresses.
 * @throws {UsageError} If something was that cannot be listened on, or the runtime cannot.
 */
export async function claimPassedSockets(): Promise<readonly string[]> {
  const descriptors = takePassedDescriptors();
  if (descriptors.length === 0) return [];
  const handles = findHandles();
  if (!handles) {
    throw new UsageError(
      `LISTEN_FDS=${descriptors.length} in the environment: to listen on sockets of systemd needs ` +
        `Deno 2.8 or newer, and this is ${Deno.version.deno}; must be started without, by a service ` +
        "whose .socket unit is disabled",
    );
  }
  const all = descriptors.map((descriptor) => claim(descriptor, handles));
  const sockets = new PassedSockets(all, { handles, Conn: await findConn() });
  ownSockets(sockets);
  return sockets.addresses;
}

/** Looks what a descriptor is without harm to it, and replaces it with one that is not inherited. */
function claim({ fd, name }: PassedDescriptor, { Tcp, Pipe }: Handles): Passed {
  const what = `descriptor ${fd}, which LISTEN_FDS in the environment says was passed,`;
  const handle = new Tcp(LISTENER);
  const problem = handle.open(fd);
  if (problem !== 0) {
    throw new UsageError(
      `${what} ${
        PROBLEMS[problem] ?? `cannot be listened on (${-problem})`
      }; must be a listening ` +
        "socket (ListenStream= in a .socket unit)",
    );
  }
  const address = boundAddress(handle) ?? pathOf({ what, name, known: Pipe !== undefined });
  const copy = handle.fdForIpc();
  handle.close();
  return { address, fd: copy, users: 0 };
}

/** The path of a socket that is none of TCP, which does not tell it. */
function pathOf(
  { what, name, known }: { what: string; name: string; known: boolean },
): SocketAddress {
  if (!known) {
    throw new UsageError(
      `${what} is a UNIX socket, which needs Deno 2.9.6 or newer, and this is ` +
        `${Deno.version.deno}; must be a port`,
    );
  }
  if (name.startsWith("/")) return { transport: "unix", path: name };
  throw new UsageError(
    `${what} is a UNIX socket, which does not tell its path; its name (LISTEN_FDNAMES) must be that ` +
      "(FileDescriptorName=/PATH in the .socket unit)",
  );
}

/** What the runtime makes of its connections, for those that it does not accept itself. */
async function findConn(): Promise<ConnClass> {
  using loopback = new Loopback();
  const { near, far } = await loopback.connect();
  try {
    return connOf(near)!.constructor as unknown as ConnClass;
  } finally {
    near.close();
    far.close();
  }
}
