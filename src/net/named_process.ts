import type { ChildProcessWithoutNullStreams } from "node:child_process";
import type { Readable } from "node:stream";
import type { PipedProcess } from "./process_stream.ts";

/** A program that is started under a name. */
export interface NamedProgram {
  readonly path: string;
  /** What it is told it is called. */
  readonly argv0: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly uid?: number;
  readonly gid?: number;
}

/** A process with pipes for all three. */
export type ThreePipes = PipedProcess & { readonly stderr: ReadableStream<Uint8Array> };

/**
 * Starts a program under another name than its path, in a session of the system's of its own. Only the
 * compatible module can do that: `Deno.Command` has no argv[0] (Deno 2.6 to 2.9).
 *
 * @throws If it cannot be started.
 */
export async function startNamed(
  { path, argv0, args, env, ...account }: NamedProgram,
): Promise<ThreePipes> {
  const { spawn } = await import("node:child_process");
  const { Writable } = await import("node:stream");
  const child = spawn(path, args, { argv0, env, detached: true, stdio: "pipe", ...account });
  const ended = statusOf(child);
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
  // Whoever writes or reads is told.
  child.on("error", () => {});
  return {
    pid: child.pid!,
    status: ended,
    stdin: Writable.toWeb(child.stdin) as WritableStream<Uint8Array<ArrayBufferLike>>,
    stdout: bytesOf(child.stdout) as Deno.ChildProcess["stdout"],
    stderr: bytesOf(child.stderr),
    kill: (signal) => void child.kill(signal as NodeJS.Signals),
  };
}

function statusOf(child: ChildProcessWithoutNullStreams): Promise<Deno.CommandStatus> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => {
      const status = { success: code === 0, code: code ?? 128 };
      resolve({ ...status, signal: signal as Deno.Signal | null });
    });
  });
}

/** What is read as it is asked for, and not before. */
function bytesOf(source: Readable): ReadableStream<Uint8Array> {
  let over = false;
  return new ReadableStream({
    type: "bytes",
    start(controller) {
      const end = () => {
        if (over) return;
        over = true;
        controller.close();
        controller.byobRequest?.respond(0);
      };
      source.on("data", (chunk: Uint8Array) => {
        source.pause();
        // Memory of its own: what is enqueued is given away.
        if (!over) controller.enqueue(new Uint8Array(chunk));
      });
      source.on("end", end);
      source.on("close", end);
      source.on("error", end);
      source.pause();
    },
    pull: () => void source.resume(),
    cancel() {
      // What has been read already still comes.
      over = true;
      source.destroy();
    },
  });
}
