import { dirname } from "node:path";
import { RuntimeAcceptingSocket } from "./accepting_socket.ts";
import { connect } from "./connect.ts";
import type { Stream } from "./stream.ts";

/**
 * A socket at which a process waits for one that it has started. It is in a new folder that only the
 * other's user can enter, so that nobody else can come.
 */
export class MeetingPoint {
  /** Where the other one connects. */
  readonly path: string;
  readonly #socket: RuntimeAcceptingSocket;
  #closed = false;

  private constructor(path: string) {
    this.path = path;
    this.#socket = new RuntimeAcceptingSocket(Deno.listen({ transport: "unix", path }));
  }

  /**
   * Opens one.
   *
   * @param owner Whom the other one runs as, if that is somebody else; needs root.
   * @throws The system's error, if there can be none.
   */
  static open(owner?: { readonly uid: number; readonly gid: number }): MeetingPoint {
    // The folder that TMPDIR names may be one that nobody else can enter.
    const dir = owner ? "/tmp" : undefined;
    const folder = Deno.makeTempDirSync({ prefix: "iawlb-", ...(dir && { dir }) });
    try {
      const path = `${folder}/starter`;
      const point = new MeetingPoint(path);
      if (owner) {
        for (const one of [path, folder]) Deno.chownSync(one, owner.uid, owner.gid);
      }
      return point;
    } catch (error) {
      Deno.removeSync(folder, { recursive: true });
      throw error;
    }
  }

  /** The other one; rejects when this is closed before it has come. */
  accept(): Promise<Stream> {
    return this.#socket.accept();
  }

  /** Closes it, and removes it; a second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
    removePoint(this.path);
  }
}

/**
 * Connects to the one who waits. Nobody else is to come: it is removed, so that it does not stay
 * behind whatever becomes of either, also if nobody waits any more.
 *
 * @throws The system's error, if nobody waits.
 */
export async function meet(path: string): Promise<Stream> {
  try {
    return await connect({ path });
  } finally {
    removePoint(path);
  }
}

/** Removes a socket, and its folder if nothing else is in it. */
function removePoint(path: string): void {
  for (const one of [path, dirname(path)]) {
    try {
      Deno.removeSync(one);
    } catch {
      // It is gone, or somebody's.
    }
  }
}
