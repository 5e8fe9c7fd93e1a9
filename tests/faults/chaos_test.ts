// Clients and servers that check every byte, beside a flood of clients that are reset in any state.
import { assert, assertEquals } from "@std/assert";
import { connect } from "node:net";
import { answerLength, Checker, CheckingServer, message } from "../support/checked.ts";
import { hasProc, nothingLeft, openDescriptors } from "../support/process.ts";
import { Program } from "../support/program.ts";
import { samples } from "../support/proxy_headers.ts";
import { Random } from "../support/random.ts";
import { tryClose, until, writeAll } from "../support/servers.ts";

/** How long each flood lasts, in seconds. */
const SECONDS = Number(Deno.env.get("IAWLB_CHAOS_SECONDS") ?? 3);
const SEED = Number(Deno.env.get("IAWLB_CHAOS_SEED") ?? Math.floor(Math.random() * 2 ** 32));

/** What takes this long takes for ever. */
const PATIENCE_MS = 20_000;

const CLIENTS = 6;
const FLOODERS = 6;
const DESTINATIONS = 3;

/** Closes a connection whose other end does not say what it should, and so ends the wait for it. */
function closeAfter(conn: Deno.Conn, ms: number): Disposable {
  const timer = setTimeout(() => tryClose(conn), ms);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

/** What becomes of a load on one program. */
class Load {
  readonly lost: string[] = [];
  readonly tally = { sessions: 0, messages: 0, resets: 0 };
  /** How many messages each client has sent. */
  readonly sent = new Map<number, number>();
  #lastId = 0;
  readonly #port: number;
  readonly #random: Random;
  readonly #halfCloses: boolean;
  readonly #headers: boolean;
  readonly #end = performance.now() + SECONDS * 1000;

  /**
   * @param options.halfCloses Whether clients finish sending before they have their last answer.
   * @param options.headers Whether a PROXY header stands before what a client says.
   */
  constructor(options: { port: number; random: Random; halfCloses: boolean; headers: boolean }) {
    this.#port = options.port;
    this.#random = options.random;
    this.#halfCloses = options.halfCloses;
    this.#headers = options.headers;
  }

  async run(): Promise<void> {
    await Promise.all([
      ...Array.from({ length: CLIENTS }, () => this.#clients()),
      ...Array.from({ length: FLOODERS }, () => this.#flood()),
    ]);
  }

  get #over(): boolean {
    return performance.now() >= this.#end;
  }

  async #clients(): Promise<void> {
    while (!this.#over) {
      const id = ++this.#lastId;
      try {
        await this.#client(id);
        this.tally.sessions++;
      } catch (error) {
        this.lost.push(`client ${id}: ${error}`);
      }
    }
  }

  async #client(id: number): Promise<void> {
    const random = this.#random;
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: this.#port });
    using __ = { [Symbol.dispose]: () => tryClose(conn) };
    using _ = closeAfter(conn, PATIENCE_MS);
    const checker = new Checker(conn, 2);
    const number = 1 + random.below(5);
    const early = this.#halfCloses && random.chance(0.3);
    let header = this.#header();
    for (let i = 0; i < number; i++) {
      // The longest are more than what the kernel takes of a write.
      const most = random.chance(0.02) ? 10_000_000 : random.pick([3000, 20_000, 20_000, 400_000]);
      const length = random.below(most);
      const bytes = behind(header, message({ id, number: i, length }, 1));
      header = new Uint8Array();
      const sending = this.#send(conn, bytes).then(() => {
        return early && i === number - 1 ? conn.closeWrite() : undefined;
      });
      const [head] = await Promise.all([checker.next(), sending]);
      assertEquals(head, { id, number: i, length: answerLength(length) });
      this.sent.set(id, i + 1);
      this.tally.messages++;
    }
    if (random.chance(0.5)) return;
    if (!early) await conn.closeWrite();
    assertEquals(await checker.next(), null, "something comes after the last answer");
  }

  /** What stands before the first word of a client. */
  #header(): Uint8Array {
    return this.#headers ? samples(this.#random, 1)[0]!.header : new Uint8Array();
  }

  /** Sends in one piece or in two, of which the second may be late. */
  async #send(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
    const cut = this.#random.chance(0.5) ? bytes.length : this.#random.below(bytes.length);
    await writeAll(conn, bytes.subarray(0, cut));
    const pause = this.#random.below(4);
    if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    await writeAll(conn, bytes.subarray(cut));
  }

  /** Clients that are reset while they wait, are connected or served, with and without a word. */
  async #flood(): Promise<void> {
    while (!this.#over) {
      const speaks = this.#random.chance(0.3);
      // Not even the beginning of it may come to anybody else.
      const id = speaks ? ++this.#lastId : 0;
      const header = this.#header();
      const words = behind(header, message({ id, number: 0, length: 5000 }, 1).subarray(0, 3000));
      const part = header.subarray(0, this.#random.below(header.length + 1));
      const delay = this.#random.below(4);
      await new Promise<void>((resolve) => {
        const socket = connect(this.#port, "127.0.0.1", () => {
          if (speaks) socket.write(words);
          else if (part.length > 0) socket.write(part);
          if (delay === 0) socket.resetAndDestroy();
          else setTimeout(() => socket.resetAndDestroy(), delay / 2);
        });
        socket.on("error", () => {});
        socket.on("close", () => resolve());
      });
      this.tally.resets++;
    }
  }
}

const HASH = ["--balance", "hash", "--hash-wait", "3ms"];

/** Long messages, too, behind a header. */
function behind(header: Uint8Array, bytes: Uint8Array): Uint8Array {
  const all = new Uint8Array(header.length + bytes.length);
  all.set(header);
  all.set(bytes, header.length);
  return all;
}

const PROXY = ["--accept-proxy", "127.0.0.0/8"];

for (const options of [[], ["--half-close", "abandon"], ["--threads", "2"], HASH, PROXY]) {
  const name = `${SECONDS} s of clients that are reset in any state harm nobody and leave nothing`;
  Deno.test([name, ...options].join(" "), { ignore: !hasProc }, async () => {
    await using stack = new AsyncDisposableStack();
    const servers = Array.from({ length: DESTINATIONS }, () => stack.use(new CheckingServer()));
    const addresses = servers.map(({ address }) => address);
    const flags = ["--workers", "2", "--access-log", "off", ...options];
    await using program = await Program.start(addresses, flags);
    const descriptors = openDescriptors(program.pid);
    const halfCloses = !options.includes("abandon");
    const headers = options.includes("--accept-proxy");
    const load = new Load({ port: program.port, random: new Random(SEED), halfCloses, headers });
    await load.run();
    await until(async () => {
      const { greeting, waiting, active } = await program.status();
      return greeting + waiting + active === 0;
    }, "all sessions have ended");
    const where = `seed ${SEED}`;
    const { ended } = await program.status();
    console.log(`  ${JSON.stringify({ ...load.tally, lost: load.lost.length, ended })}`);
    assertEquals(load.lost, [], where);
    assertEquals(servers.flatMap(({ wrong }) => wrong), [], where);
    for (const [id, number] of load.sent) {
      const received = servers.map((server) => server.received.get(id)).filter(Boolean);
      assertEquals(received, [number], `messages of ${id}, ${where}`);
    }
    assert(load.tally.sessions > SECONDS && load.tally.resets > SECONDS * 20, where);
    const destinations = servers.map(({ port }) => port);
    // What each thread opens once: sockets by which it deals out turns, and the runtime's own.
    const more = options.includes("--threads") ? 16 : 8;
    await nothingLeft(program.pid, { destinations, descriptors, more });
    assertEquals(await program.terminate(), 0, where);
  });
}
