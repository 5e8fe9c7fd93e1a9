import { programLine } from "./program.ts";
import { Client, pathOf } from "./real_servers.ts";
import { freePort, tryClose, until } from "./servers.ts";

/** What starts a program for each connection. */
export type SuperServerKind = "openbsd-inetd" | "xinetd" | "systemd";

const PROGRAMS: Readonly<Record<SuperServerKind, string>> = {
  "openbsd-inetd": "inetd",
  xinetd: "xinetd",
  systemd: "systemd-socket-activate",
};

/** Where a super-server is; `undefined` if it is not installed. */
export function superServerPath(kind: SuperServerKind): string | undefined {
  return pathOf(PROGRAMS[kind], ["/usr/sbin", "/usr/bin"]);
}

/** What keeps a test from using one. */
export function withoutSuperServer(kind: SuperServerKind): Record<string, boolean> {
  return {
    [`there is no ${kind}`]: superServerPath(kind) === undefined,
    "it needs root": kind !== "systemd" && Deno.uid() !== 0,
  };
}

/** One that is there; Debian's openbsd-inetd and xinetd are not installed beside each other. */
export function anySuperServer(): SuperServerKind {
  const kinds = ["openbsd-inetd", "xinetd", "systemd"] as const;
  return kinds.find((kind) => !Object.values(withoutSuperServer(kind)).includes(true)) ?? "systemd";
}

/** A super-server that starts iawlb with some arguments for whoever connects. */
export class SuperServer implements AsyncDisposable {
  readonly port: number;
  readonly #server: Client;
  readonly #folder: string;

  private constructor(options: { port: number; server: Client; folder: string }) {
    this.port = options.port;
    this.#server = options.server;
    this.#folder = options.folder;
  }

  /** Starts one and waits until it listens. */
  static async start(kind: SuperServerKind, args: readonly string[]): Promise<SuperServer> {
    const port = freePort();
    const folder = await Deno.makeTempDir();
    const words = [...programLine(), ...args];
    const path = superServerPath(kind)!;
    const server = new Client(path, await setUp(kind, { port, folder, words }));
    const started = new SuperServer({ port, server, folder });
    try {
      await until(() => listens(port), `${kind} listens`);
    } catch (error) {
      await started[Symbol.asyncDispose]();
      throw error;
    }
    return started;
  }

  /** Connects, sends a text and nothing more, and returns all that comes back. */
  async ask(text: string): Promise<string> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
    try {
      await conn.write(new TextEncoder().encode(text));
      await conn.closeWrite();
      return await new Response(conn.readable).text();
    } finally {
      tryClose(conn);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.kill("SIGTERM");
    await this.#server.ended();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

async function setUp(
  kind: SuperServerKind,
  { port, folder, words }: { port: number; folder: string; words: readonly string[] },
): Promise<string[]> {
  const [program, ...args] = words;
  const file = `${folder}/conf`;
  switch (kind) {
    case "openbsd-inetd": {
      const fields = [`127.0.0.1:${port}`, "stream", "tcp4", "nowait.10000", "root", program!];
      await Deno.writeTextFile(file, `${[...fields, "iawlb", ...args].join("\t")}\n`);
      return ["-i", "-E", file];
    }
    case "xinetd": {
      const lines = [
        "defaults\n{\n  log_type = FILE /dev/null\n}",
        "service iawlb\n{\n  type = UNLISTED\n  socket_type = stream\n  protocol = tcp",
        `  wait = no\n  user = root\n  bind = 127.0.0.1\n  port = ${port}`,
        `  server = ${program}\n  server_args = ${args.join(" ")}\n}`,
      ];
      await Deno.writeTextFile(file, `${lines.join("\n")}\n`);
      return ["-dontfork", "-f", file, "-pidfile", `${folder}/pid`];
    }
    case "systemd":
      return ["--accept", "--inetd", `--listen=127.0.0.1:${port}`, ...words];
  }
}

/** Whether somebody listens at a port, by the kernel's table: a connect would start a program. */
function listens(port: number): boolean {
  const place = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return Deno.readTextFileSync("/proc/net/tcp").split("\n").some((row) => {
    const fields = row.trim().split(/\s+/);
    return fields[1] === place && fields[3] === "0A";
  });
}
