import { writeDestination } from "../destination_text.ts";
import type { InetdService } from "./service.ts";

/** What a word of a command consists of that needs no quotes. */
const PLAIN = /^[\w%+,./:=@^~-]+$/;

/** The destination that serves, in the grammar of this program. */
export function destinationOf({ user, group, guard, server }: InetdService): string {
  const workers = guard.most === undefined ? {} : { workers: String(guard.most) };
  if ("internal" in server) return writeDestination(`service:${server.internal}`, workers);
  const { program, name, args } = server;
  const options = [
    ...guard.most === undefined ? [] : [`workers=${guard.most}`],
    `user=${user}`,
    ...group === undefined ? [] : [`group=${group}`],
    ...isName(name, program) ? [] : [`argv0=${name}`],
  ];
  const before = options.map((option) => option.replace(/[\\,]/g, "\\$&")).join(",");
  return `${before},exec:${[program, ...args].map(quoteWord).join(" ")}`;
}

/** Whether a program would take this for its own name anyway. */
function isName(name: string, program: string): boolean {
  return name === program || name === program.slice(program.lastIndexOf("/") + 1);
}

/** A word as a shell would read it back. */
function quoteWord(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
