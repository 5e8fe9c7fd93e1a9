import type { Logger } from "@logtape/logtape";
import { type ExecAddress, formatCommand, programName } from "../config/exec_address.ts";
import { waitAtMost } from "../async/wait_at_most.ts";
import { findProgram, problemOfProgram } from "../config/program_file.ts";
import { codeOf } from "../base/errors.ts";
import { keepSpareThread } from "../base/spare_thread.ts";
import { DialError, type DialOptions } from "../net/dial.ts";
import { ErrorLines } from "../net/error_lines.ts";
import { startNamed, type ThreePipes } from "../net/named_process.ts";
import { connectionEnvironment } from "../net/process_environment.ts";
import { ProcessGroup } from "../net/process_group.ts";
import { type ProcessEnd, ProcessStream } from "../net/process_stream.ts";
import type { Stream } from "../net/stream.ts";
import { ErrorLog } from "./error_log.ts";

/** How long a program may take to see that its session is over, in milliseconds. */
const PATIENCE_MS = 250;

/** How long it is waited for the last lines of a program that has ended, in milliseconds. */
const LAST_LINES_MS = 100;

/** What programs have of the one that starts them. */
export interface ExecContext {
  readonly log: Logger;
  /** How long one that is to end has for it after SIGTERM, in milliseconds. */
  grace(): number;
}

/** What a connector to a program is made of. */
export interface ExecConnectorOptions {
  /** Whose it is: what that is called now. */
  readonly destination: { readonly name: string };
  readonly context: ExecContext;
}

/**
 * A connector to a program: each connection is a process of its own, whose standard input and output
 * it is. The process leads a session of the system's of its own, and ends with its connection.
 */
export class ExecConnector {
  readonly description: string;
  /** Its file is looked at, without starting it. */
  readonly isTried = true;
  readonly isLocated = true;
  readonly #address: ExecAddress;
  readonly #destination: ExecConnectorOptions["destination"];
  readonly #context: ExecContext;
  readonly #errors: ErrorLog;
  /** Those that live, with what they have started. */
  readonly #groups = new Set<ProcessGroup>();
  /** Resolves when it is not waited any more for what cannot be killed. */
  readonly #cut = Promise.withResolvers<undefined>();
  /** Programs may be so many that the runtime gets no other thread. */
  readonly #thread = keepSpareThread();
  /** Leaves nothing behind when the program ends for whatever reason it can notice. */
  readonly #onUnload = () => {
    for (const group of this.#groups) group.kill();
  };

  constructor(address: ExecAddress, { destination, context }: ExecConnectorOptions) {
    // Its arguments are in the name of the destination, which stands before it in the log.
    this.description = programName(formatCommand([address.command[0]]));
    this.#address = address;
    this.#destination = destination;
    this.#context = context;
    this.#errors = new ErrorLog({ log: context.log, name: () => destination.name });
  }

  /** Makes sure that the program can be run, as far as its file shows. */
  probe(): Promise<void> {
    const problem = problemOfProgram(this.#address);
    return problem === undefined
      ? Promise.resolve()
      : Promise.reject(this.#failed(new Error(problem)));
  }

  async connect({ signal, caller }: DialOptions): Promise<Stream> {
    const { command: [program] } = this.#address;
    const path = findProgram(program);
    signal.throwIfAborted();
    let process: ThreePipes;
    try {
      if (path === undefined) throw new Deno.errors.NotFound("no such program");
      process = await this.#start(
        path,
        connectionEnvironment(caller?.clientAddress, caller?.listenerAddress),
      );
    } catch (error) {
      // The runtime says something else of a file that is not there.
      const isShort = ["EAGAIN", "ENOMEM", "EMFILE", "ENFILE"].includes(codeOf(error) ?? "");
      const problem = isShort ? undefined : problemOfProgram(this.#address);
      signal.throwIfAborted();
      throw this.#failed(problem === undefined ? error : new Error(problem, { cause: error }));
    }
    return this.#streamOf(process, caller?.title);
  }

  cut({ atOnce }: { atOnce: boolean }): void {
    this.#cut.resolve(undefined);
    if (atOnce) { for (const group of this.#groups) group.hurry(); }
  }

  close(): void {
    this.#thread.stop();
  }

  #start(path: string, env: Record<string, string>): ThreePipes | Promise<ThreePipes> {
    const { command: [, ...args], account, settings: { argv0 } } = this.#address;
    if (argv0 !== "") return startNamed({ path, argv0, args, env, ...account });
    return new Deno.Command(path, {
      args,
      env,
      clearEnv: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      // A group that can be ended as a whole, and that no key of a terminal reaches.
      detached: true,
      // With these the runtime also takes the supplementary groups away.
      ...account,
    }).spawn();
  }

  #streamOf(process: ThreePipes, session: string | undefined): Stream {
    const group = new ProcessGroup(process);
    const lines = new ErrorLines(process.stderr, {
      tell: (line) => this.#errors.tell(line, session),
      pauseAfter: (bytes) => this.#errors.pauseAfter(bytes),
    });
    const settled = Promise.withResolvers<ProcessEnd | undefined>();
    if (this.#groups.size === 0) globalThis.addEventListener("unload", this.#onUnload);
    this.#groups.add(group);
    const end = async () => {
      const ended = await group.end({ patience: PATIENCE_MS, grace: this.#context.grace() });
      if (!ended) this.#tellOfRest(process.pid, session);
      this.#groups.delete(group);
      if (this.#groups.size === 0) globalThis.removeEventListener("unload", this.#onUnload);
      await waitAtMost(LAST_LINES_MS, lines.over);
      lines.leave();
      this.#errors.flush();
      settled.resolve(await Promise.race([process.status, ...(ended ? [] : [this.#cut.promise])]));
    };
    return new ProcessStream(process, () => {}, {
      onClose: () => void end(),
      settled: settled.promise,
    });
  }

  #tellOfRest(pid: number, session: string | undefined): void {
    this.#context.log.warning(
      "session {id} at {name}: process {pid} has not ended after SIGKILL: it runs as another user, " +
        "or the kernel holds it",
      { id: session ?? "-", name: this.#destination.name, pid },
    );
  }

  #failed(error: unknown): DialError {
    return new DialError([{ where: this.description, error }]);
  }
}
