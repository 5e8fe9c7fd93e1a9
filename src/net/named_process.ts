import type { ChildProcessWithoutNullStreams } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { closed } from "./conduit.ts";
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
    stdin: writesTo(child.stdin),
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

/**
 * A write is over when the pipe has taken the bytes: whoever wrote uses their memory again. That of
 * `Writable.toWeb` is over at once while there are few.
 */
function writesTo(target: Writable): WritableStream<Uint8Array<ArrayBufferLike>> {
  return new WritableStream({
    start(controller) {
      target.on("error", (error) => controller.error(error));
      target.on("close", () => controller.error(closed()));
    },
    write(chunk) {
      return new Promise<void>((resolve, reject) => {
        target.write(chunk, (error) => error ? reject(error) : resolve());
      });
    },
    close: () => new Promise<void>((resolve) => void target.end(resolve)),
    abort: () => void target.destroy(),
  });
}

/**
 * What is read as it is asked for, and not before. By `read` alone: with `pause` and `resume` Deno 2.7
 * mixes up the order.
 */
function bytesOf(source: Readable): ReadableStream<Uint8Array> {
  let over = false;
  let wake = () => {};
  const end = () => {
    over = true;
    wake();
  };
  source.on("readable", () => wake()).on("end", end).on("close", end).on("error", end);
  return new ReadableStream({
    type: "bytes",
    async pull(controller) {
      for (;;) {
        const chunk: Uint8Array | null = source.read();
        // Memory of its own: what is enqueued is given away.
        if (chunk) return controller.enqueue(new Uint8Array(chunk));
        if (over) break;
        await new Promise<void>((resolve) => wake = resolve);
      }
      controller.close();
      controller.byobRequest?.respond(0);
    },
    cancel: () => void source.destroy(),
  });
}
