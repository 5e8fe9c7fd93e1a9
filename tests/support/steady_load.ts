import { readExactly, tryClose, until, writeAll } from "./servers.ts";

/** Time from one new session to the next, in milliseconds, and how long each may take to its end. */
const PACE_MS = 10;
const PATIENCE_MS = 5000;

/** What is sent, and comes back. */
const WORD = new TextEncoder().encode("a word");

/** What became of the sessions of a {@linkcode SteadyLoad}. */
export interface LoadResult {
  /** Short sessions that were answered, and why others were not. */
  answered: number;
  failed: string[];
  /** Long sessions that were there to the end, and why others were not. */
  kept: number;
  lost: string[];
  /** The longest time without an answer to a short session, in milliseconds. */
  gap: number;
  /** The longest time of a short session that was answered, in milliseconds. */
  slowest: number;
}

/**
 * Clients of an echo server: a new one every 10 ms, whether or not those before were answered, each for
 * one word; and some that stay to the end and say a word again and again.
 */
export class SteadyLoad {
  readonly #server: Deno.ConnectOptions;
  readonly #failed: string[] = [];
  readonly #lost: string[] = [];
  readonly #answers: number[] = [performance.now()];
  readonly #sessions = new Set<Promise<void>>();
  /** Those that stay, the oldest first: what ends each. */
  readonly #staying: AbortController[] = [];
  #kept = 0;
  #slowest = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  private constructor(server: Deno.ConnectOptions) {
    this.#server = server;
  }

  /** Starts with so many long sessions, and returns when they and the first short ones are served. */
  static async start(server: Deno.ConnectOptions, { long }: { long: number }): Promise<SteadyLoad> {
    const load = new SteadyLoad(server);
    await load.open(long);
    load.#timer = setInterval(() => load.#add(load.#short()), PACE_MS);
    await load.answers(10);
    return load;
  }

  /** Opens further long sessions, and returns when all have got their first word. */
  async open(number: number): Promise<void> {
    const before = this.#kept;
    for (let i = 0; i < number; i++) {
      const stop = new AbortController();
      this.#staying.push(stop);
      this.#add(this.#long(stop.signal));
    }
    const arrived = () => this.#kept + this.#lost.length;
    await until(() => arrived() >= before + number, `${number} long sessions are served`);
  }

  /** Waits until so many more short sessions were answered. */
  async answers(number: number): Promise<void> {
    const wanted = this.#answers.length + number;
    await until(() => this.#answers.length >= wanted, `${number} more are answered`);
  }

  /** Ends so many long sessions, the oldest, as their clients end them. */
  leave(number: number): void {
    for (const stop of this.#staying.splice(0, number)) stop.abort();
  }

  /** Ends all sessions as their clients end them, and tells what became of them. */
  async end(): Promise<LoadResult> {
    clearInterval(this.#timer);
    this.leave(this.#staying.length);
    await Promise.all(this.#sessions);
    const answers = this.#answers;
    const gaps = answers.slice(1).map((time, i) => time - answers[i]!);
    return {
      answered: answers.length - 1,
      failed: this.#failed,
      kept: this.#kept,
      lost: this.#lost,
      gap: Math.round(Math.max(...gaps)),
      slowest: Math.round(this.#slowest),
    };
  }

  #add(session: Promise<void>): void {
    this.#sessions.add(session);
    session.finally(() => this.#sessions.delete(session));
  }

  async #short(): Promise<void> {
    const began = performance.now();
    let conn: Deno.TcpConn | undefined;
    const late = setTimeout(() => conn && tryClose(conn), PATIENCE_MS);
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      conn = await Deno.connect({ ...this.#server, signal });
      await say(conn);
      await conn.closeWrite();
      const rest = await conn.read(new Uint8Array(1));
      if (rest !== null) throw new Error("more than was sent");
      const now = performance.now();
      this.#answers.push(now);
      this.#slowest = Math.max(this.#slowest, now - began);
    } catch (error) {
      this.#failed.push(`${error}`);
    } finally {
      clearTimeout(late);
      if (conn) tryClose(conn);
    }
  }

  async #long(signal: AbortSignal): Promise<void> {
    let conn: Deno.TcpConn | undefined;
    let counted = false;
    try {
      conn = await Deno.connect({ ...this.#server, signal: AbortSignal.timeout(PATIENCE_MS) });
      do {
        const late = setTimeout(() => tryClose(conn!), PATIENCE_MS);
        await say(conn).finally(() => clearTimeout(late));
        if (!counted) this.#kept++;
        counted = true;
        if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, 2 * PACE_MS));
      } while (!signal.aborted);
    } catch (error) {
      if (counted) this.#kept--;
      this.#lost.push(`${error}`);
    } finally {
      if (conn) tryClose(conn);
    }
  }
}

async function say(conn: Deno.TcpConn): Promise<void> {
  await writeAll(conn, WORD);
  const answer = await readExactly(conn, WORD.length);
  if (answer.some((byte, i) => byte !== WORD[i])) throw new Error("another word came back");
}
