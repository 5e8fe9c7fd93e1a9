import { find, serve } from "./packaged_servers.ts";
import { freePort, tryClose, until, writeAll } from "./servers.ts";
import type { TlsFiles } from "./tls_files.ts";

/** A server of TLS in this process, which answers each connection by a function. */
export class TlsServer implements AsyncDisposable {
  readonly port: number;
  /** Handshakes that were finished so far. */
  accepted = 0;
  readonly #listener: Deno.TlsListener;
  readonly #conns = new Set<Deno.TlsConn>();
  readonly #loop: Promise<void>;

  constructor(
    pair: { cert: string; key: string },
    handle: (conn: Deno.TlsConn, number: number) => Promise<void>,
    options: { port?: number } = {},
  ) {
    const { port = freePort() } = options;
    this.#listener = Deno.listenTls({ hostname: "127.0.0.1", port, ...pair });
    this.port = port;
    this.#loop = this.#accept(handle);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const conn of this.#conns) tryClose(conn);
    await this.#loop;
    await until(() => this.#conns.size === 0, "all connections are closed");
  }

  async #accept(handle: (conn: Deno.TlsConn, number: number) => Promise<void>): Promise<void> {
    for (;;) {
      try {
        this.#serve(await this.#listener.accept(), handle);
      } catch (error) {
        if (error instanceof Deno.errors.BadResource) return;
        if (error instanceof Deno.errors.Interrupted) return;
      }
    }
  }

  async #serve(
    conn: Deno.TlsConn,
    handle: (conn: Deno.TlsConn, number: number) => Promise<void>,
  ): Promise<void> {
    this.#conns.add(conn);
    try {
      await conn.handshake();
      await handle(conn, ++this.accepted);
    } catch {
      // The test looks at what arrived.
    } finally {
      tryClose(conn);
      this.#conns.delete(conn);
    }
  }
}

/** Answers each line with what it is, reversed, as `openssl s_server -rev` does. */
export async function reverse(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  for (let n; (n = await conn.read(buffer)) !== null;) {
    const text = new TextDecoder().decode(buffer.subarray(0, n)).trimEnd();
    await writeAll(conn, new TextEncoder().encode(`${[...text].reverse().join("")}\n`));
  }
  await conn.closeWrite();
}

/** The server of openssl, which answers HTTP with what it knows of the connection. */
export function serveByOpenssl(files: TlsFiles, name: string, ...options: string[]) {
  return serve("openssl", ({ port }) => [
    ...["s_server", "-accept", `127.0.0.1:${port}`, "-www", "-naccept", "1000"],
    ...["-cert", files.cert(name), "-key", files.key(name), ...options],
  ]);
}

/** nginx, which expects a PROXY header before the handshake and tells what it knows of the client. */
export function serveByNginx(files: TlsFiles, name: string) {
  return serve("nginx", async ({ port, folder }) => {
    await Deno.writeTextFile(
      `${folder}/nginx.conf`,
      `daemon off; master_process off; pid ${folder}/pid; error_log stderr;
events {}
http {
  access_log off;
  server {
    listen 127.0.0.1:${port} ssl proxy_protocol;
    ssl_certificate ${files.cert(name)};
    ssl_certificate_key ${files.key(name)};
    location / { return 200 "$proxy_protocol_port $ssl_server_name $ssl_protocol\\n"; }
  }
}
`,
    );
    return ["-p", folder, "-c", `${folder}/nginx.conf`, "-e", "stderr"];
  });
}

/** HAProxy, which wants a certificate of clients and answers with its subject. */
export function serveByHaproxy(files: TlsFiles, name: string) {
  return serve("haproxy", async ({ port, folder }) => {
    const { cert, key } = files.pair(name);
    await Deno.writeTextFile(`${folder}/both.pem`, cert + key);
    await Deno.writeTextFile(
      `${folder}/haproxy.cfg`,
      `defaults
  mode http
  timeout client 10s
  timeout server 10s
  timeout connect 1s
frontend tls
  bind 127.0.0.1:${port} ssl crt ${folder}/both.pem verify required ca-file ${files.cert("ca")}
  http-request return status 200 content-type text/plain lf-string "client %[ssl_c_s_dn(cn)]\\n"
`,
    );
    return ["-db", "-f", `${folder}/haproxy.cfg`];
  });
}

/** Whether a program is installed. */
export function lacks(program: string): Record<string, boolean> {
  return { [`there is no ${program}`]: find(program) === undefined };
}
