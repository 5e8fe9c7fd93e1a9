import { until } from "./servers.ts";

/** Resident memory of a process in bytes. */
export function residentMemory(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)![1]) * 1024;
}

/**
 * How many descriptors a process has open. Those that it opens for an instant to see how many it
 * could (`src/net/free_descriptors.ts`) are none of them.
 */
export function openDescriptors(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].filter(({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/${pid}/fd/${name}`) !== "/dev/null";
    } catch {
      return false;
    }
  }).length;
}

/** User and system time of a process so far, in seconds. */
export function cpuSeconds(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** What the main thread of a process has used of a processor so far, in milliseconds. */
export function mainThreadMs(pid: number): number {
  return Number(Deno.readTextFileSync(`/proc/${pid}/task/${pid}/schedstat`).split(" ")[0]) / 1e6;
}

/** How many TCP sockets of a process have one of these ports at their other end. */
export function connectionsTo(ports: readonly number[], pid: number): number {
  const own = new Set<string>();
  for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
    try {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(Deno.readLinkSync(`/proc/${pid}/fd/${name}`)) ??
        [];
      if (inode) own.add(inode);
    } catch {
      // It was closed meanwhile.
    }
  }
  const wanted = new Set(ports);
  const rows = ["tcp", "tcp6"].flatMap((kind) => {
    return Deno.readTextFileSync(`/proc/${pid}/net/${kind}`).trim().split("\n").slice(1);
  });
  return rows.filter((row) => {
    const fields = row.trim().split(/\s+/);
    return own.has(fields[9]!) && wanted.has(parseInt(fields[2]!.split(":")[1]!, 16));
  }).length;
}

/**
 * Waits until a process has no connection to a destination any more, and its descriptors are as
 * before, but for so many that it may have opened once and for all.
 */
export async function nothingLeft(
  pid: number,
  options: { destinations: readonly number[]; descriptors: number; more?: number },
): Promise<void> {
  const { destinations, descriptors, more = 0 } = options;
  const left = () => connectionsTo(destinations, pid);
  await until(() => left() === 0, "no connection to a destination is left");
  const few = () => openDescriptors(pid) <= descriptors + more;
  await until(few, `descriptors are as before, ${descriptors}`).catch((error) => {
    const open = [...Deno.readDirSync(`/proc/${pid}/fd`)].map(({ name }) => {
      return Deno.readLinkSync(`/proc/${pid}/fd/${name}`);
    });
    throw new Error(`${error.message}; open are ${open.join(", ")}`);
  });
}

/** How many descriptors this process may open. */
export function descriptorLimit(): number {
  return Number(/^Max open files\s+(\d+)/m.exec(Deno.readTextFileSync("/proc/self/limits"))![1]);
}

/** Whether `/proc` tells about processes. */
export const hasProc = Deno.build.os === "linux";

/**
 * The processes that this one has started and that live. One that is just being started is a copy of
 * it, which nobody must stop: who starts it would wait for it.
 */
export function childrenOf(pid: number): number[] {
  const own = commandOf(pid);
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter((child) => {
    return child > 0 && stateOf(child)?.parent === pid && commandOf(child) !== own;
  });
}

function commandOf(pid: number): string | undefined {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`);
  } catch {
    return undefined;
  }
}

/** Of a process that lives, who started it. */
function stateOf(pid: number): { parent: number } | undefined {
  try {
    const [, state, parent] = /\) (\S) (\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/stat`))!;
    return state === "Z" ? undefined : { parent: Number(parent) };
  } catch {
    return undefined;
  }
}

/** The session of the system's that a process is in: an interrupt at its terminal reaches all of it. */
export function sessionOf(pid: number): number {
  return Number(/\) \S \d+ \d+ (\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/stat`))![1]);
}

/** Waits until these, which this process has started, have ended and it has been told. */
export async function reaped(pids: readonly number[]): Promise<void> {
  const isThere = (pid: number) => {
    try {
      return Deno.statSync(`/proc/${pid}`).isDirectory;
    } catch {
      return false;
    }
  };
  await until(() => !pids.some(isThere), `${pids} have ended`);
  // Who waits for them is told in one of the next turns.
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** Kills what is left of these: one that is stopped keeps the pipes that it has of others. */
export function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      Deno.kill(pid, "SIGKILL");
    } catch {
      // It is gone.
    }
  }
}

/** Waits until none of these is there any more. */
export async function allGone(pids: readonly number[]): Promise<void> {
  await until(() => pids.every((pid) => stateOf(pid) === undefined), `${pids} are gone`);
}
