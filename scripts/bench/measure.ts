/** Length of a clock tick in `/proc/PID/stat`: Linux shows all programs 100 a second. */
const TICKS_PER_SECOND = 100;

/** A process and all its descendants, itself first. */
export function tree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(statFields(Number(name))?.[1]);
    children.set(parent, [...children.get(parent) ?? [], Number(name)]);
  }
  const pids = [root];
  for (const pid of pids) pids.push(...children.get(pid) ?? []);
  return pids;
}

/** User and system time of a process so far, its descendants' included, also those that ended. */
export function cpuSeconds(root: number): number {
  let ticks = 0;
  for (const pid of tree(root)) {
    for (const field of statFields(pid)?.slice(11, 15) ?? []) ticks += Number(field);
  }
  return ticks / TICKS_PER_SECOND;
}

/** Resident memory of a process and its descendants in MiB: now, or the most so far. */
export function residentMemory(root: number, which: "now" | "peak" = "now"): number {
  const pattern = which === "now" ? /^VmRSS:\s+(\d+)/m : /^VmHWM:\s+(\d+)/m;
  return tree(root).reduce((sum, pid) => {
    const kib = pattern.exec(read(`/proc/${pid}/status`) ?? "")?.[1];
    return sum + Number(kib ?? 0) / 1024;
  }, 0);
}

/** How many descriptors a process and its descendants have open. */
export function openDescriptors(root: number): number {
  return tree(root).reduce((sum, pid) => sum + [...Deno.readDirSync(`/proc/${pid}/fd`)].length, 0);
}

/** Resident memory of a process and its descendants in MiB; what several share counts once in all. */
export function proportionalMemory(root: number): number {
  return tree(root).reduce((sum, pid) => {
    const kib = /^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? "")?.[1];
    return sum + Number(kib ?? 0) / 1024;
  }, 0);
}

/** Lets the peak of {@linkcode residentMemory} begin anew. */
export function resetPeak(root: number): void {
  for (const pid of tree(root)) {
    try {
      Deno.writeTextFileSync(`/proc/${pid}/clear_refs`, "5");
    } catch {
      // The process has ended, or the kernel keeps the peak.
    }
  }
}

/** Whether something on this machine listens on a TCP port, found out without a connect. */
export function listens(port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const pattern = new RegExp(`:${hex} [0-9A-F]+:0000 0A`);
  return ["/proc/net/tcp", "/proc/net/tcp6"].some((path) => pattern.test(read(path) ?? ""));
}

/** The fields of `/proc/PID/stat` after the name of the program: the first is the state. */
function statFields(pid: number): string[] | undefined {
  return read(`/proc/${pid}/stat`)?.replace(/^.*\) /s, "").split(" ");
}

function read(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}
