import type { Logger } from "@logtape/logtape";
import { type Config, nameOf } from "../../config/config.ts";
import { FatalError, messageOf } from "../../base/errors.ts";
import { quote } from "../../base/text.ts";
import type { Sharing } from "../../net/sharing.ts";
import { migratesConnections } from "../../net/migration.ts";
import { type Mark, PidFile } from "../daemon/pid_file.ts";
import { Beside } from "./beside.ts";
import { Deputy } from "./deputy.ts";
import { Meeting } from "./meeting.ts";
import { rehearse } from "./rehearsal.ts";
import { type Facts, lagging } from "./readiness.ts";

/** How long this process may take until it can serve what the other one can, in milliseconds. */
const READY_MS = 10_000;

/** The process that is replaced. */
interface Replaced {
  readonly meeting: Meeting;
  /** Its pid file; it has none any more if absent. */
  readonly mark: Mark | undefined;
}

/** Options of {@linkcode Succession.take}. */
export interface SuccessionOptions {
  readonly uid: number | undefined;
  /** Whether a process that has the place is to be replaced; otherwise there must be none. */
  readonly replace: boolean;
}

/** Options of {@linkcode Succession.handOver}. */
export interface HandOverOptions {
  readonly log: Logger;
  facts(): Promise<Facts>;
  /** Ends waiting: this process is to stop. */
  readonly signal: AbortSignal;
}

/**
 * The place of a process that its pid file stands for, and how it goes from one process to the next:
 *
 * 1. The new one has its pid file under a temporary name, locked, so that there is only one that
 *    replaces. It asks the old one, at a socket beside the pid file, who and where that is.
 * 2. It binds beside the old one, see {@linkcode Sharing}, and serves.
 * 3. Once it can serve all that the old one can, it takes over the paths of UNIX sockets and the pid
 *    file, each by a rename, and only then tells the old one, which drains.
 *
 * Whatever happens before 3 the old one notices nothing of.
 */
export class Succession {
  /** How many processes have served in this place, with this one. */
  readonly generation: number;
  /** How addresses are shared; not at all where the system cannot. */
  readonly sharing: Sharing | undefined;
  /** The place. */
  readonly #path: string;
  readonly #pidFile: PidFile;
  readonly #beside: Beside;
  /** The process that is replaced, until it is. */
  #replaced: Replaced | undefined;
  /** Who tells the next one where this one is. */
  #deputy: Deputy | undefined;
  /** The process that has replaced this one. */
  #successor: number | undefined;

  private constructor(
    path: string,
    { pidFile, replaced }: { pidFile: PidFile; replaced?: Replaced | undefined },
  ) {
    const predecessor = replaced?.meeting.predecessor;
    this.#path = path;
    this.#pidFile = pidFile;
    this.#replaced = replaced;
    this.generation = (predecessor?.generation ?? 0) + 1;
    this.#beside = new Beside(predecessor?.held);
    this.sharing = Deno.build.os === "linux" ? this.#beside : undefined;
  }

  /**
   * Takes a place that nobody has, or begins to replace who has it.
   *
   * @throws {FatalError} If that cannot be; nobody has noticed anything then.
   */
  static async take(path: string, { uid, replace }: SuccessionOptions): Promise<Succession> {
    if (!replace) return new Succession(path, { pidFile: await PidFile.take(path, { uid }) });
    // Whoever has this one is the only one that replaces.
    const next = await PidFile.take(path, {
      uid,
      at: `${path}.next`,
      explain: (pid) => `the process ${pid ?? "of another start"} is about to take it over already`,
    });
    try {
      const replaced = await findReplaced(path, uid);
      if (replaced) return new Succession(path, { pidFile: next, replaced });
      const explain = (pid: number | undefined) =>
        `is locked by the process ${pid ?? "of somebody"}, which cannot be replaced: nobody ` +
        `of this user answers at ${socketOf(path)}; stop it, or name another file`;
      const pidFile = await PidFile.take(path, { uid, explain });
      next.release();
      return new Succession(path, { pidFile });
    } catch (error) {
      next.release();
      throw error;
    }
  }

  /** The process that has replaced this one; `undefined` if none has. */
  get successor(): number | undefined {
    return this.#successor;
  }

  /** Whether the pid file was moved away: another process is to take the place. */
  get isMovedAway(): boolean {
    return this.#pidFile.isMovedAway;
  }

  /** Whether another process serves at the same addresses, or is about to. */
  get isContinued(): boolean {
    return this.#beside.beside || this.#successor !== undefined || this.isMovedAway;
  }

  /** Says in the log what was found there. */
  async tell(log: Logger, { replace }: Pick<SuccessionOptions, "replace">): Promise<void> {
    const { stale } = this.#pidFile;
    const path = this.#path;
    const replaced = this.#replaced?.meeting.predecessor;
    if (replaced) {
      log.info("starts beside the process {pid}, which goes on until this one serves", {
        pid: replaced.pid,
      });
      if (replaced.addresses.some(isTcp)) await adviseMigration(log);
    } else if (stale !== undefined) {
      log.info("took over the pid file {path}, which process {stale} had left", { path, stale });
    } else if (replace) {
      log.info("there is no process to replace at the pid file {path}", { path });
    }
  }

  /**
   * Makes sure that this process can serve what the other one can, before an address is bound at which
   * it would get clients.
   *
   * @throws {FatalError} If it cannot; the other one notices nothing.
   */
  async rehearse(configs: readonly Config[], signal: AbortSignal): Promise<void> {
    const { pid, serving = [] } = this.#replaced?.meeting.predecessor ?? {};
    const wanted = configs.filter((config) => serving.includes(nameOf(config)));
    const problem = await rehearse(wanted, { signal, patience: READY_MS });
    if (problem === undefined) return;
    throw new FatalError(`Cannot replace the process ${pid}, which goes on: ${problem}`);
  }

  /** From now on another process can ask where this one is, and replace it. */
  async open(
    { log, facts, onReplaced }: {
      log: Logger;
      facts(): Promise<Facts>;
      onReplaced(pid: number): void;
    },
  ): Promise<void> {
    if (!this.sharing) return;
    const { generation } = this;
    try {
      this.#deputy = await Deputy.open(socketOf(this.#path), {
        log,
        describe: async () => {
          const { addresses, serving } = await facts();
          return { pid: Deno.pid, generation, addresses, serving };
        },
        onReplaced: (pid) => {
          this.#successor = pid;
          onReplaced(pid);
        },
        atOnce: !this.#replaced,
      });
    } catch (error) {
      log.warning("no process will be able to replace this one: {reason}", {
        reason: messageOf(error),
      });
    }
  }

  /**
   * Takes the place, and tells the process that had it to drain, as soon as this one can serve.
   *
   * @throws {FatalError} If it cannot; the other one goes on.
   */
  async handOver({ log, facts, signal }: HandOverOptions): Promise<void> {
    const replaced = this.#replaced;
    if (!replaced) return;
    const { meeting, mark } = replaced;
    const { predecessor: { pid, serving } } = meeting;
    const missing = await lagging(serving, { facts, signal, patience: READY_MS });
    if (signal.aborted) return;
    if (missing.length > 0) {
      throw new FatalError(
        `Cannot replace the process ${pid}, which goes on: no destination of ${
          missing.join(", ")
        } is up here within ${READY_MS / 1000} s, as one is there`,
      );
    }
    try {
      this.#beside.check();
    } catch (error) {
      throw new FatalError(`Cannot replace the process ${pid}, which goes on: ${messageOf(error)}`);
    }
    // Paths come last: from here to the end they lead to whoever is killed in between.
    await this.#pidFile.moveTo(this.#path, mark);
    try {
      this.#beside.handOver();
    } catch (error) {
      throw new FatalError(`Cannot replace the process ${pid}: ${messageOf(error)}`);
    }
    takeSocket(this.#deputy, log);
    this.#replaced = undefined;
    if (await meeting.takeOver()) {
      log.info("replaces the process {pid} (generation {generation})", {
        pid,
        generation: this.generation,
      });
    } else {
      log.warning(
        "takes the place of the process {pid} (generation {generation}), which does not say that it " +
          "drains: it has ended, or has to be told by SIGTERM",
        { pid, generation: this.generation },
      );
    }
  }

  /** Leaves the place as it was; a second call does nothing. */
  async leave(log?: Logger): Promise<void> {
    await this.#deputy?.close();
    this.#replaced?.meeting.close();
    const problem = this.#pidFile.release();
    if (problem === undefined) return;
    const path = this.#path;
    log?.warning("the pid file {path} cannot be removed: {problem}", { path, problem });
  }
}

/** Where a process that has a place is asked by the next one. */
function socketOf(path: string): string {
  return `${path}.socket`;
}

/** @throws {FatalError} If it cannot be told who has the place. */
async function findReplaced(path: string, uid: number | undefined): Promise<Replaced | undefined> {
  const found = await PidFile.read(path, { uid });
  const meeting = await Meeting.begin(socketOf(path), { uid });
  if (!meeting) return undefined;
  const { pid } = meeting.predecessor;
  // Whoever removed the file has left a process that would be in the way.
  if (!found || pid === found.pid) return { meeting, mark: found?.mark };
  meeting.close();
  throw new FatalError(
    `--pid-file ${quote(path)}: has the number ${found.pid}, but the process ${pid} answers at ` +
      `${socketOf(path)}: nobody is replaced`,
  );
}

function takeSocket(deputy: Deputy | undefined, log: Logger): void {
  try {
    deputy?.take();
  } catch (error) {
    log.warning("no process will be able to replace this one: {reason}", {
      reason: messageOf(error),
    });
  }
}

function isTcp(address: string): boolean {
  return !/^(?:unix|udp):/.test(address);
}

/** What the setting is and what it costs to be without. */
async function adviseMigration(log: Logger): Promise<void> {
  if (await migratesConnections()) return;
  log.warning(
    "net.ipv4.tcp_migrate_req is 0: of the connections that clients begin at the moment of the " +
      "hand-over a few are reset; sysctl -w net.ipv4.tcp_migrate_req=1 as root saves them",
  );
}
