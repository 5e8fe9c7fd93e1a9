import type { Program } from "./program.ts";
import { livingWith, type ProcessInfo } from "./processes.ts";

/** The bytes of a text. */
export const bytes = (text: string) => new TextEncoder().encode(text);

/** A text that only the processes of one test have among their arguments. */
export function mark(): string {
  return `mark-${crypto.randomUUID()}`;
}

/** The processes of a program that have this text among their arguments, once they are what they are. */
export function runningWith(text: string, program: Program): ProcessInfo[] {
  const all = livingWith(text);
  const own = all.find(({ pid }) => pid === program.pid)?.args;
  return all.filter(({ args }) => args !== own);
}

/** The processes of a group. */
export function membersOf(group: number): ProcessInfo[] {
  return livingWith("").filter((one) => one.group === group);
}

/** A connection to a port of this machine. */
export async function connectTo(port: number): Promise<Deno.Conn> {
  return await Deno.connect({ hostname: "127.0.0.1", port });
}
