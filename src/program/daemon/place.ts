import type { Logger } from "@logtape/logtape";
import { dirname } from "node:path";
import { ownCredentials } from "../../base/credentials.ts";
import { FatalError } from "../../base/errors.ts";
import { quote } from "../../base/text.ts";
import type { Settings } from "../../config/options.ts";
import { wantedIdentity } from "./identity.ts";
import { canWriteIn, PidFile } from "./pid_file.ts";

/** What this process has of the system before it opens anything: its folder, its umask, its file. */
export class Place {
  readonly #pidFile: PidFile | undefined;

  private constructor(pidFile: PidFile | undefined) {
    this.#pidFile = pidFile;
  }

  /**
   * Goes where the settings say.
   *
   * @param options.daemon Whether this process is one by now.
   * @throws {FatalError} If it is not who it was to become, or will miss something later that only root
   * has.
   */
  static async take(settings: Settings, options: { daemon: boolean }): Promise<Place> {
    const { umask, pidFile, user, group } = settings;
    if (options.daemon) Deno.chdir("/");
    if (umask !== null) Deno.umask(umask);
    const own = ownCredentials();
    if (user || group) {
      assertBecome(settings);
      if (own?.uid !== 0) assertLater(settings);
    }
    if (pidFile === "") return new Place(undefined);
    return new Place(await PidFile.take(pidFile, { uid: own?.uid }));
  }

  /** Says in the log what was found there. */
  tell(log: Logger): void {
    const { stale, path } = this.#pidFile ?? {};
    if (stale !== undefined) {
      log.info("took over the pid file {path}, which process {stale} had left", { path, stale });
    }
  }

  /** Leaves it as it was; a second call does nothing. */
  leave(log?: Logger): void {
    const problem = this.#pidFile?.release();
    if (problem === undefined) return;
    const { path } = this.#pidFile!;
    log?.warning("the pid file {path} cannot be removed: {problem}", { path, problem });
  }
}

/** Nobody serves as root, or with the groups of whoever started it, who was told not to. */
function assertBecome(settings: Settings): void {
  const own = ownCredentials();
  const wanted = wantedIdentity(settings, own);
  if (!wanted) return;
  throw new FatalError(
    `Cannot run as ${wanted.name}: started as user ${wanted.uid} and group ${wanted.gid} without ` +
      `supplementary groups, it is user ${own?.uid} and group ${own?.gid} with ${
        own?.groups.join(", ") || "none"
      }`,
  );
}

/** What is opened or removed when root is long given up has to be possible without. */
function assertLater({ accessLog, user, group }: Settings): void {
  const isFile = accessLog.startsWith("/") && !accessLog.startsWith("/dev/") &&
    !accessLog.startsWith("/proc/") && !isPipe(accessLog);
  if (!isFile || canWriteIn(dirname(accessLog))) return;
  throw new FatalError(
    `--access-log ${quote(accessLog)}: its folder ${
      quote(dirname(accessLog))
    } cannot be written to ` +
      `by ${user?.name ?? `group ${group!.name}`}, so that the log could not be opened again ` +
      "(SIGUSR2); must be in a folder of theirs, such as /var/log/iawlb",
  );
}

function isPipe(path: string): boolean {
  try {
    return Deno.statSync(path).isFifo === true;
  } catch {
    return false;
  }
}
