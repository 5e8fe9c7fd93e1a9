import { findUser } from "../../base/accounts.ts";
import { FileError } from "../../base/bounded_file.ts";
import { type DestinationTexts, writeDestination } from "../destination_text.ts";
import { formatCommand } from "../exec_address.ts";
import type { InetdService } from "./service.ts";

/** The destination that serves, in the grammar of this program. */
export function destinationOf(service: InetdService): string {
  const { guard, server } = service;
  const workers = guard.most === undefined ? {} : { workers: String(guard.most) };
  if ("internal" in server) return writeDestination(`service:${server.internal}`, workers);
  const { program, name, args } = server;
  return writeDestination(formatCommand([program, ...args]), {
    ...workers,
    ...accountOf(service),
    ...!isName(name, program) && { argv0: name },
  });
}

/** Who is to be set; whoever is not root can only be itself, which needs nothing to be set. */
function accountOf(
  { user, group }: InetdService,
): Pick<DestinationTexts, "user" | "group"> {
  if (group !== undefined) return { user, group };
  return isSelf(user) ? {} : { user };
}

function isSelf(user: string): boolean {
  const own = Deno.uid();
  if (own === null || own === 0) return false;
  try {
    return findUser(user)?.uid === own;
  } catch (error) {
    if (error instanceof FileError) return false;
    throw error;
  }
}

/** Whether a program would take this for its own name anyway. */
function isName(name: string, program: string): boolean {
  return name === program || name === program.slice(program.lastIndexOf("/") + 1);
}
