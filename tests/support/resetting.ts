import { createServer, type Server, type Socket } from "node:net";

/** A TCP server that resets connections, which `Deno.Conn` cannot: it closes with a FIN first. */
export class ResettingServer implements AsyncDisposable {
  port = 0;
  /** Connections accepted so far. */
  accepted = 0;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /**
   * @param when Resets a connection at once, or when its first bytes have been read, or after
   * answering these with the first half of an answer, or only what begins with BAD: everything else
   * gets the answer "served".
   */
  static async start(
    when: "at once" | "after reading" | "in the answer" | "at BAD",
  ): Promise<ResettingServer> {
    const server = createServer((socket: Socket) => {
      self.accepted++;
      socket.on("error", () => {});
      if (when === "at once") socket.resetAndDestroy();
      socket.on("data", (data) => {
        if (when === "at BAD") {
          if (String(data).startsWith("BAD")) socket.resetAndDestroy();
          else socket.end("served");
        }
        if (when === "after reading") socket.resetAndDestroy();
        else if (when === "in the answer") socket.write("half", () => socket.resetAndDestroy());
      });
    });
    const self = new ResettingServer(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    self.port = (server.address() as { port: number }).port;
    return self;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<unknown>((resolve) => this.#server.close(resolve));
  }
}
