import { until } from "./servers.ts";

/** One message to the service manager, with the time at which it came. */
export interface Notice {
  readonly at: number;
  readonly lines: readonly string[];
}

/** The service manager's end of `NOTIFY_SOCKET`: keeps everything that it is told. */
export class ServiceReceiver implements AsyncDisposable {
  readonly notices: Notice[] = [];
  /** A directory of its own, in which the socket is the only file. */
  readonly directory = Deno.makeTempDirSync();
  readonly #socket: Deno.DatagramConn;
  readonly #loop: Promise<void>;

  /** @param path Where it listens, if not in its directory. */
  constructor(path?: string) {
    this.#socket = Deno.listenDatagram({ transport: "unixpacket", path: path ?? this.path });
    this.#loop = this.#receive();
  }

  /** The value of `NOTIFY_SOCKET`. */
  get path(): string {
    return `${this.directory}/notify`;
  }

  /** The first message since `from` that has a line which matches, as soon as it is there. */
  async told(pattern: RegExp, from = 0): Promise<Notice> {
    const find = () => {
      return this.notices.slice(from).find(({ lines }) => lines.some((line) => pattern.test(line)));
    };
    await until(() => find() !== undefined, `the service manager is told ${pattern}`);
    return find()!;
  }

  /** How many messages had this line. */
  count(line: string): number {
    return this.notices.filter(({ lines }) => lines.includes(line)).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.#loop;
    await Deno.remove(this.directory, { recursive: true });
  }

  async #receive(): Promise<void> {
    try {
      for await (const [bytes] of this.#socket) {
        const lines = new TextDecoder().decode(bytes).split("\n");
        this.notices.push({ at: performance.now(), lines });
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }
}
