import type { Logger } from "@logtape/logtape";
import { dirname } from "node:path";
import { ownCredentials } from "../../base/credentials.ts";
import { FatalError } from "../../base/errors.ts";
import { quote } from "../../base/text.ts";
import type { Settings } from "../../config/options.ts";
import { wantedIdentity } from "./identity.ts";
import { Succession } from "../replace/succession.ts";
import { canWriteIn } from "./writable_folder.ts";
import { syslogPath, trySyslog } from "./syslog_reach.ts";

/** Options of {@linkcode Place.take}. */
export interface PlaceOptions {
  /** Whether this process is a daemon by now. */
  readonly daemon: boolean;
  /** Tells whoever started it what will most likely be missed. */
  warn(text: string): Promise<void>;
}

/** What this process has of the system before it opens anything: its folder, its umask, its file. */
export class Place {
  /** How the place goes to the next process; absent without a pid file. */
  readonly succession: Succession | undefined;
  readonly #settings: Settings;

  private constructor(settings: Settings, succession: Succession | undefined) {
    this.#settings = settings;
    this.succession = succession;
  }

  /**
   * Goes where the settings say.
   *
   * @throws {FatalError} If it is not who it was to become, or will miss something later that only root
   * has.
   */
  static async take(settings: Settings, options: PlaceOptions): Promise<Place> {
    const { umask, pidFile, replace, user, group } = settings;
    if (options.daemon) Deno.chdir("/");
    if (umask !== null) Deno.umask(umask);
    const own = ownCredentials();
    if (user || group) {
      assertBecome(settings);
      if (own?.uid !== 0) assertLater(settings);
    }
    if (options.daemon || user || group) await checkSyslog(settings, options);
    if (pidFile === "") return new Place(settings, undefined);
    return new Place(settings, await Succession.take(pidFile, { uid: own?.uid, replace }));
  }

  /** Says in the log what was found there. */
  async tell(log: Logger): Promise<void> {
    await this.succession?.tell(log, this.#settings);
  }

  /** Leaves it as it was; a second call does nothing. */
  async leave(log?: Logger): Promise<void> {
    await this.succession?.leave(log);
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
      `by ${nameOf({ user, group })}, so that the log could not be opened again ` +
      "(SIGUSR2); must be in a folder of theirs, such as /var/log/iawlb",
  );
}

/** Messages that nobody will get are told of now. */
async function checkSyslog(settings: Settings, { daemon, warn }: PlaceOptions): Promise<void> {
  const path = syslogPath(settings);
  const problem = path === undefined ? undefined : await trySyslog(path);
  if (problem === "forbidden") {
    throw new FatalError(
      `${settings.log.kind === "syslog" ? "--log" : "--access-log"}: syslog at ${path} takes ` +
        `nothing from ${nameOf(settings)}: permission denied; must be one that they may write to`,
    );
  }
  if (problem === "absent" && daemon) {
    await warn(
      `there is no syslog at ${path}: messages are lost until there is; --log names another one`,
    );
  }
}

function nameOf({ user, group }: Pick<Settings, "user" | "group">): string {
  return user?.name ?? (group ? `group ${group.name}` : "whom the program runs as");
}

function isPipe(path: string): boolean {
  try {
    return Deno.statSync(path).isFifo === true;
  } catch {
    return false;
  }
}
