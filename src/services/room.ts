import { after } from "../base/timer.ts";
import { plural } from "../base/text.ts";
import type { Board, Member } from "./member.ts";

/** How many lines a room keeps for those who read slowly. */
export const KEPT_LINES = 512;

/** How far somebody who reads may be behind until those who write wait for it. */
const MOST_BEHIND = KEPT_LINES / 2;

/** Who has read nothing for so long while there was something is not waited for, in milliseconds. */
const PATIENCE_MS = 1000;

/** Longest name in letters. */
const MAX_NAME = 32;

/** A line that all others are to read. */
interface Post {
  readonly author: Member;
  readonly text: string;
}

/**
 * Who is in a room, and the latest lines that were written there.
 *
 * The lines are there once, for everybody; a member only knows how far it has read. Whoever falls so
 * far behind that a line is gone by then is told how many it has missed. So one who never reads costs
 * a number. Those who write wait for those who read, but not for one who has stopped, nor for one who
 * goes on now and then.
 */
export class Room implements Board {
  /** By their names, without a difference between capitals and others. */
  readonly #members = new Map<string, Member>();
  /** The latest lines, each at the place of its number. */
  readonly #posts: Post[] = [];
  /** The number of the next line. */
  #next = 0;
  /** Those who write and wait for those who read. */
  readonly #waiting = new Set<() => void>();

  /** How many members there are. */
  get size(): number {
    return this.#members.size;
  }

  /** The first of their names. */
  names(most: number): string[] {
    return [...this.#members.values()].slice(0, most).map(({ name }) => name);
  }

  /** Why a member cannot be called so; `undefined` if it can be. */
  nameProblem(name: string, member: Member): string | undefined {
    if (!/^[\p{L}\p{N}][\p{L}\p{N}\p{M}_.-]*$/u.test(name) || [...name].length > MAX_NAME) {
      return `a name is 1 to ${plural(MAX_NAME, "letter")} or digits, dots and dashes`;
    }
    const other = this.#members.get(keyOf(name)) ?? member;
    return other === member ? undefined : `somebody is called ${name} already`;
  }

  /** A member joins; resolves when those who read have nearly read it. */
  async join(member: Member, name: string): Promise<void> {
    member.name = name;
    member.position = this.#next;
    this.#members.set(keyOf(name), member);
    await this.post(member, `* ${name} joins`);
  }

  /** Gives a member another name, which has to be free or its own. */
  async rename(member: Member, name: string): Promise<void> {
    const before = member.name;
    if (before === name) return;
    this.#members.delete(keyOf(before));
    member.name = name;
    this.#members.set(keyOf(name), member);
    await this.post(member, `* ${before} is ${name} now`);
  }

  /** A member leaves, if it is one. */
  leave(member: Member): void {
    const key = keyOf(member.name);
    if (this.#members.get(key) !== member) return;
    this.#members.delete(key);
    this.#add(member, `* ${member.name} leaves`);
    this.progress();
  }

  /** Says something to all others; resolves when those who read have nearly read it. */
  async post(member: Member, text: string): Promise<void> {
    this.#add(member, text);
    while (this.#isAhead()) await this.#wait();
  }

  take(member: Member, most: number): string {
    let text = "";
    const oldest = this.#next - this.#posts.length;
    if (member.position < oldest) {
      const kept = this.#posts.reduce((sum, { author }) => sum + (author === member ? 1 : 0), 0);
      const missed = oldest - member.position - (member.own - kept);
      if (missed > 0) text += `* you have missed ${plural(missed, "line")}\n`;
      member.own = kept;
      member.position = oldest;
    }
    while (member.position < this.#next && text.length < most) {
      const post = this.#posts[member.position % KEPT_LINES]!;
      member.position++;
      if (post.author === member) member.own--;
      else text += `${post.text}\n`;
    }
    return text;
  }

  progress(): void {
    for (const resume of this.#waiting) resume();
    this.#waiting.clear();
  }

  #add(author: Member, text: string): void {
    this.#posts[this.#next % KEPT_LINES] = { author, text };
    this.#next++;
    author.own++;
    for (const member of this.#members.values()) member.wake();
  }

  /** Whether somebody who reads is far behind; who was waited for in vain has to catch up first. */
  #isAhead(): boolean {
    const now = performance.now();
    for (const member of this.#members.values()) {
      if (this.#next - member.position <= MOST_BEHIND) member.late = false;
      else if (now - member.writingSince >= PATIENCE_MS) member.late = true;
      else if (!member.late) return true;
    }
    return false;
  }

  /** Until somebody has read, or the patience with one of them may be over. */
  async #wait(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = after(PATIENCE_MS / 10, resolve);
    this.#waiting.add(resolve);
    await promise;
    this.#waiting.delete(resolve);
    timer.stop();
  }
}

function keyOf(name: string): string {
  return name.normalize("NFKC").toLowerCase();
}
