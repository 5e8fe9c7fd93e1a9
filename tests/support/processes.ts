/** Whatever `/proc` says of the processes of one kind. */
export interface ProcessInfo {
  readonly pid: number;
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly args: string;
}

/** The processes that there are, without those that end in this moment. */
export function processes(): ProcessInfo[] {
  return [...Deno.readDirSync("/proc")].flatMap(({ name }) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const [, state, parent, group] = /\) (\S) (\d+) (\d+)/.exec(
        Deno.readTextFileSync(`/proc/${name}/stat`),
      )!;
      const args = Deno.readTextFileSync(`/proc/${name}/cmdline`).replaceAll("\0", " ").trim();
      const numbers = { pid: Number(name), parent: Number(parent), group: Number(group) };
      return [{ ...numbers, state: state!, args }];
    } catch {
      return [];
    }
  });
}

/** Those that a process has started and that are there, zombies among them. */
export function childrenOf(pid: number): ProcessInfo[] {
  return processes().filter(({ parent }) => parent === pid);
}

/** Those that live and have this text among their arguments. */
export function livingWith(text: string): ProcessInfo[] {
  return processes().filter(({ args, state }) => state !== "Z" && args.includes(text));
}
