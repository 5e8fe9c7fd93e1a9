import { type Credentials, ownCredentials } from "../../base/credentials.ts";
import { FatalError, messageOf, UsageError } from "../../base/errors.ts";
import { MAY_NOT_RUN, mayRun } from "../../base/permissions.ts";
import { STARTS_ANEW } from "../../config/daemon_rules.ts";
import { complain } from "../../base/output.ts";
import { waitAtMost } from "../../async/wait_at_most.ts";
import type { Settings } from "../../config/options.ts";
import { MeetingPoint } from "../../net/meeting_point.ts";
import type { Stream } from "../../net/stream.ts";
import { ownCommand } from "../../services/own_process.ts";
import { LineInput } from "../../services/line_input.ts";
import type { Signals } from "../signals.ts";
import { capableStart, groupsBesides, type Identity, wantedIdentity } from "./identity.ts";
import { MAX_MESSAGE, readMessage, STARTER_VARIABLE, type StarterNote } from "./messages.ts";

/** How long complaints of a process that has ended may take, in milliseconds. */
const LAST_WORDS_MS = 1000;

/** What a shell says of a process that a signal has ended, less the number of the signal. */
const SIGNALLED = 128;
const NUMBERS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

/** What has been heard of the process that was started. */
interface Heard {
  /** Whether it came to be this program. */
  here: boolean;
  complaint: boolean;
}

/** How this program is started anew. */
export interface Restart {
  /** Its arguments, which are the same again. */
  readonly args: readonly string[];
  readonly daemon: boolean;
  /** Whom it becomes; absent if nobody else. */
  readonly identity: Identity | undefined;
}

/**
 * How the program has to be started anew for what the settings want; `undefined` if it need not be.
 *
 * @throws {UsageError} If that cannot be.
 */
export function restartFor(
  settings: Settings,
  args: readonly string[],
): Restart | undefined {
  const { daemon } = settings;
  const own = ownCredentials();
  const identity = wantedIdentity(settings, own);
  if (!identity && (settings.user || settings.group)) warnOfGroups(own);
  if (!daemon && !identity) return undefined;
  if (daemon && Deno.pid === 1) {
    throw new UsageError(
      "--daemon: this is process 1, as in a container, which ends with it; must be without",
    );
  }
  if (!mayRun()) {
    const flag = settings.user ? "--user" : "--group";
    throw new UsageError(`${flag}: ${STARTS_ANEW}, but ${MAY_NOT_RUN}; must be none`);
  }
  if (Deno.env.get("NOTIFY_SOCKET")) {
    throw new UsageError(
      `${
        daemon ? "--daemon" : "--user, --group"
      }: systemd started the program and waits for this ` +
        "very process (NOTIFY_SOCKET is set), which needs no daemon and has User= and Group= in the " +
        "unit; must be without",
    );
  }
  if (
    args.some((arg, i) =>
      /^--config=(-|\/dev\/stdin)$/.test(arg) ||
      (arg === "--config" && /^(-|\/dev\/stdin)$/.test(args[i + 1] ?? ""))
    )
  ) {
    throw new UsageError(
      '--config "-": the program starts itself anew, as --daemon, --user and --group need it, and ' +
        "standard input is read once; must be the path of a file",
    );
  }
  return { args, daemon, identity };
}

/** Nobody keeps supplementary groups without a word. */
function warnOfGroups(own: Credentials | undefined): void {
  const kept = own ? groupsBesides(own) : [];
  if (kept.length === 0) return;
  complain(
    `iawlb: warning: the supplementary groups ${kept.join(", ")} of whoever started it are kept: ` +
      "only root can give them up",
  );
}

/**
 * Starts the program anew. What becomes a daemon is left alone as soon as it serves; for another one
 * this process stays, passes signals on and ends as it does.
 *
 * @returns The exit status.
 * @throws {FatalError} If it cannot be started.
 */
export async function startAnew(restart: Restart, signals: Signals): Promise<number> {
  const { daemon, identity } = restart;
  const point = open(identity);
  try {
    const child = spawn(restart, point.path);
    const ended = child.status;
    const serving = Promise.withResolvers<"serving">();
    const heard: Heard = { here: false, complaint: false };
    const arrival = point.accept().then((stream) =>
      listen(stream, {
        here() {
          if (heard.here) return;
          heard.here = true;
          if (!daemon) signals.passOn((signal) => passTo(child, signal));
        },
        serving: () => serving.resolve("serving"),
        complaint(text) {
          heard.complaint = true;
          complain(text);
        },
      })
    );
    const talk = arrival.catch(() => {});
    const first = await Promise.race([ended, ...(daemon ? [serving.promise] : [])]);
    if (first === "serving") {
      child.unref();
      return 0;
    }
    point.close();
    await waitAtMost(LAST_WORDS_MS, talk);
    return daemon ? endOf(first, { heard, identity }) : statusOf(first);
  } finally {
    point.close();
  }
}

function open(identity: Identity | undefined): MeetingPoint {
  try {
    return MeetingPoint.open(identity);
  } catch (error) {
    throw new FatalError(
      `Cannot start anew: no socket for it in a temporary folder: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

function spawn({ args, daemon, identity }: Restart, socket: string): Deno.ChildProcess {
  const note: StarterNote = { socket, ...(daemon && { folder: Deno.cwd() }) };
  const before = identity && capableStart(identity);
  const [program, ...rest] = [...(before ?? []), ...ownCommand(), ...args];
  const stdio = daemon ? "null" : "inherit";
  const home = identity?.user?.home;
  try {
    return new Deno.Command(program!, {
      args: rest,
      stdin: stdio,
      stdout: stdio,
      stderr: stdio,
      // A session of its own: what the terminal sends to all goes to the starter, which passes it on.
      detached: true,
      ...(daemon && { cwd: "/" }),
      // With the user, even if that is root again, the runtime gives up the supplementary groups.
      ...(identity && !before && { uid: identity.uid, gid: identity.gid }),
      env: {
        [STARTER_VARIABLE]: JSON.stringify(note),
        ...(home !== undefined && {
          HOME: home,
          USER: identity!.user!.name,
          LOGNAME: identity!.user!.name,
        }),
      },
    }).spawn();
  } catch (error) {
    throw new FatalError(`Cannot start ${program} anew: ${messageOf(error)}`, { cause: error });
  }
}

/** Hears what the other one tells, to its end. */
async function listen(
  stream: Stream,
  { here, serving, complaint }: {
    here(): void;
    serving(): void;
    complaint(text: string): void;
  },
): Promise<void> {
  try {
    const input = new LineInput(stream, MAX_MESSAGE);
    for (let line = await input.line(); line; line = await input.line()) {
      const told = readMessage(line.bytes);
      if (told === "here") here();
      else if (told === "serving") serving();
      else if (told) complaint(told.complaint);
    }
  } finally {
    stream.close();
  }
}

function passTo(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch {
    // It has ended in this moment.
  }
}

function statusOf({ code, signal }: Deno.CommandStatus): number {
  return signal === null ? code : SIGNALLED + (NUMBERS[signal] ?? 0);
}

/** The exit status after a daemon that did not come to serve; says so where nobody else has. */
function endOf(
  { code, signal }: Deno.CommandStatus,
  { heard, identity }: { heard: Heard; identity: Identity | undefined },
): number {
  if (signal !== null || code === 0 || !heard.complaint) {
    const how = signal === null ? `ended with status ${code}` : `was ended by ${signal}`;
    // The runtime itself, or what should have started it, has said why to /dev/null.
    const hint = heard.here || !identity
      ? ""
      : `; ${ownCommand().at(-1)} must be readable and executable by ${identity.name}`;
    complain(`iawlb: the daemon ${how} before it served${hint}`);
  }
  return signal === null && code !== 0 ? code : 1;
}
