import { RuntimeAcceptingSocket } from "./accepting_socket.ts";
import type { Stream } from "./stream.ts";

/**
 * A socket at which a process waits for one that it has started. It is in a new folder that only the
 * other's user can enter, so that nobody else can come.
 */
export class MeetingPoint {
  /** Where the other one connects. */
  readonly path: string;
  readonly #folder: string;
  readonly #socket: RuntimeAcceptingSocket;
  #closed = false;

  private constructor(folder: string, path: string) {
    this.#folder = folder;
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
      const point = new MeetingPoint(folder, path);
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
    Deno.removeSync(this.#folder, { recursive: true });
  }
}
