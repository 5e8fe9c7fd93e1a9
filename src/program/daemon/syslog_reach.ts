import type { Settings } from "../../config/options.ts";
import { LOCAL_SYSLOG } from "../../config/log_target.ts";
import { waitAtMost } from "../../async/wait_at_most.ts";
import { type DatagramSocket, openDatagramSocket } from "../../net/datagram_socket.ts";

/** How long a syslog daemon may keep a datagram waiting, in milliseconds. */
const PATIENCE_MS = 500;

/** The socket file of the syslog daemon that a log goes to; `undefined` if none goes to one. */
export function syslogPath({ log, accessLog }: Settings): string | undefined {
  const usual = accessLog === "syslog" ? LOCAL_SYSLOG : undefined;
  const address = log.kind === "syslog" ? log.address : usual;
  return address?.transport === "unix" ? address.path : undefined;
}

/**
 * Why a syslog daemon at such a path gets nothing: there is none, or this user may not. That is tried
 * with an empty datagram, which all of them take for no message.
 */
export async function trySyslog(path: string): Promise<"absent" | "forbidden" | undefined> {
  const socket = tryOpen(path);
  // The log, which needs one as well, says why.
  if (!socket) return undefined;
  let problem: "absent" | "forbidden" | undefined;
  const sending = socket.send(new Uint8Array()).catch((error) => {
    problem = error instanceof Deno.errors.PermissionDenied ? "forbidden" : "absent";
  });
  await waitAtMost(PATIENCE_MS, sending);
  socket.close();
  return problem;
}

function tryOpen(path: string): DatagramSocket | undefined {
  try {
    return openDatagramSocket({ transport: "unix", path });
  } catch {
    return undefined;
  }
}
