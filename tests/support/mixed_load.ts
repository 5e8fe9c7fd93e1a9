import { assertEquals } from "@std/assert";
import type { Random } from "./random.ts";
import {
  freePort,
  randomBytes,
  readAll,
  readExactly,
  TestServer,
  tryClose,
  writeAll,
} from "./servers.ts";

/** Bytes that name the client, at the beginning of what it sends. */
const NAME = 8;

/** An echo that knows whom it serves, and can be killed and started again at the same port. */
export class NamedEcho implements AsyncDisposable {
  readonly #served = new Set<string>();
  readonly #load: MixedLoad;
  #server: TestServer | undefined;
  readonly port: number;

  constructor(load: MixedLoad) {
    this.#load = load;
    this.#server = this.#open();
    this.port = this.#server.port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get running(): boolean {
    return this.#server !== undefined;
  }

  start(): void {
    this.#server ??= this.#open(this.port);
  }

  async kill(): Promise<void> {
    for (const name of this.#served) this.#load.killed.add(name);
    this.#load.kills.push(performance.now());
    // Its port is free only when it is gone.
    await this.#server?.[Symbol.asyncDispose]();
    this.#server = undefined;
    this.#load.kills.push(performance.now());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
  }

  #open(port = freePort()): TestServer {
    return new TestServer(async (conn) => {
      const first = await readExactly(conn, NAME);
      const name = String(first);
      this.#served.add(name);
      try {
        await writeAll(conn, first);
        const buffer = new Uint8Array(64 * 1024);
        for (let n = await conn.read(buffer); n !== null; n = await conn.read(buffer)) {
          await writeAll(conn, buffer.subarray(0, n));
        }
        await conn.closeWrite();
      } finally {
        this.#served.delete(name);
      }
    }, { port });
  }
}

/** One connection of a client. */
interface Visit {
  conn: Deno.Conn;
  name: string;
  began: number;
  /** Whether anything has come back. */
  answered: boolean;
}

/** Clients of all kinds, and what became of them. */
export class MixedLoad {
  readonly tally = { requests: 0, long: 0, left: 0, killed: 0, interrupted: 0, refused: 0 };
  /** What must not have been. */
  readonly lost: string[] = [];
  /** Clients whose destination was killed while it served them. */
  readonly killed = new Set<string>();
  /** Clients, as the program names them, whose session was ended by an operator. */
  readonly ended = new Set<string>();
  /** When destinations were killed. */
  readonly kills: number[] = [];
  readonly #random: Random;
  readonly #stop = new AbortController();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Lets every client finish what it does and begin nothing new. */
  stop(): void {
    this.#stop.abort();
  }

  get stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /**
   * A client that makes one connection after the other.
   *
   * @param options.comesAndGoes Whether the listener does, so that it may not let anybody in.
   */
  async client(port: number, options: { comesAndGoes?: boolean } = {}): Promise<void> {
    const { comesAndGoes = false } = options;
    while (!this.stopped) {
      const visit = await this.#enter(port);
      if (!visit) {
        if (!comesAndGoes) this.#lose(`port ${port} refuses connections`);
        await new Promise((resolve) => setTimeout(resolve, 20));
        continue;
      }
      try {
        await this.#stay(visit);
      } catch (error) {
        this.#enterFailure(visit, { error: error as Error, comesAndGoes });
      } finally {
        tryClose(visit.conn);
        this.killed.delete(visit.name);
      }
    }
  }

  async #enter(port: number): Promise<Visit | undefined> {
    const bytes = randomBytes(NAME);
    let conn: Deno.Conn | undefined;
    try {
      conn = await Deno.connect({ hostname: "127.0.0.1", port });
      this.ended.delete(clientName(conn));
      await writeAll(conn, bytes);
      return { conn, name: String(bytes), began: performance.now(), answered: false };
    } catch {
      conn?.close();
      return undefined;
    }
  }

  async #stay(visit: Visit): Promise<void> {
    const { conn } = visit;
    const kind = this.#random.next();
    if (kind < 0.1) {
      this.tally.left++;
      return;
    }
    if (kind < 0.3) {
      await this.#greeted(visit);
      const end = performance.now() + this.#random.below(3000);
      while (performance.now() < end && !this.stopped) await this.#trip(visit);
      this.tally.long++;
    } else {
      const halfCloses = this.#random.chance(0.5);
      const bytes = randomBytes(this.#random.below(30_000));
      const sent = writeAll(conn, bytes).then(() => halfCloses ? conn.closeWrite() : undefined);
      sent.catch(() => {});
      await this.#greeted(visit);
      const back = halfCloses ? await readAll(conn) : await readExactly(conn, bytes.length);
      if (!halfCloses && this.#random.chance(0.3)) await this.#trip(visit);
      await sent;
      assertEquals(back.length, bytes.length, "bytes");
      if (bytes.some((byte, i) => byte !== back[i])) throw new Error("the bytes are others");
      this.tally.requests++;
    }
    if (this.#random.chance(0.5)) return;
    // A client that has finished first waits for the other side.
    await conn.closeWrite().catch(() => {});
    await readAll(conn);
  }

  /** Its own name is what comes back first. */
  async #greeted(visit: Visit): Promise<void> {
    const back = await readExactly(visit.conn, NAME);
    visit.answered = true;
    assertEquals(String(back), visit.name, "somebody else's bytes");
  }

  async #trip({ conn }: Visit): Promise<void> {
    const bytes = randomBytes(1 + this.#random.below(20_000));
    const [back] = await Promise.all([readExactly(conn, bytes.length), writeAll(conn, bytes)]);
    if (bytes.some((byte, i) => byte !== back[i])) throw new Error("the bytes are others");
  }

  #enterFailure(visit: Visit, options: { error: Error; comesAndGoes: boolean }): void {
    const { conn, name, began, answered } = visit;
    const { error, comesAndGoes } = options;
    if (this.ended.delete(clientName(conn)) || this.killed.has(name)) this.tally.killed++;
    else if (!answered && this.kills.some((at) => at > began - 100)) this.tally.interrupted++;
    else if (!answered && comesAndGoes) this.tally.refused++;
    else {
      const age = Math.round(performance.now() - began);
      this.#lose(`${clientName(conn)} after ${age} ms, answered: ${answered}: ${error.message}`);
    }
  }

  #lose(what: string): void {
    this.lost.push(`${new Date().toISOString()} ${what}`);
  }
}

/** A client as the program names it. */
export function clientName(conn: Deno.Conn): string {
  const { hostname, port } = conn.localAddr as Deno.NetAddr;
  return `${hostname}:${port}`;
}
