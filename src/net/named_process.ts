import type { ChildProcessWithoutNullStreams } from "node:child_process";
import type { Readable, Writable } from "node:stream";
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
  // At once: nothing may be read of it before somebody takes it.
  const [stdout, stderr] = [bytesOf(child.stdout), bytesOf(child.stderr)];
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
  // Whoever writes or reads is told.
  child.on("error", () => {});
  return {
    pid: child.pid!,
    status: ended,
    stdin: inputOf(child.stdin),
    stdout: stdout as Deno.ChildProcess["stdout"],
    stderr,
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
 * What is written before the next bytes may be: who writes uses its memory for these. `Writable.toWeb`
 * says so while there is room in its buffer, which only points to that memory.
 */
function inputOf(target: Writable): WritableStream<Uint8Array> {
  // Whoever writes is told.
  target.on("error", () => {});
  return new WritableStream({
    write: (chunk) =>
      new Promise((resolve, reject) => {
        target.write(chunk, (error) => error ? reject(error) : resolve());
      }),
    close: () => new Promise((resolve) => target.end(() => resolve())),
    abort: () => void target.destroy(),
  });
}

/** A stream of the compatible module, with what reads for it until that is closed. */
type Source = Readable & { readonly _handle?: { readStart(): void; readStop(): void } | null };

/**
 * What is read as it is asked for, and not before.
 *
 * It is what reads that is stopped and started, and never within a read: `pause` and `resume` of Deno
 * before 2.8 begin a second read into the memory of the first, and one chunk comes twice.
 */
function bytesOf(source: Source): ReadableStream<Uint8Array> {
  return new ReadableStream({
    type: "bytes",
    start(controller) {
      let over = false;
      const end = () => {
        if (over) return;
        over = true;
        controller.close();
        controller.byobRequest?.respond(0);
      };
      source.on("data", (chunk: Uint8Array) => {
        source._handle?.readStop();
        // Memory of its own: what is enqueued is given away.
        if (!over) controller.enqueue(new Uint8Array(chunk));
      });
      source.on("end", end);
      source.on("close", end);
      source.on("error", end);
    },
    pull: () => queueMicrotask(() => source._handle?.readStart()),
    cancel: () => void source.destroy(),
  });
}
