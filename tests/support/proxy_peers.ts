import { connect } from "node:net";
import { find, needing, type RealServer, serve } from "./packaged_servers.ts";

const STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so";

/** Why a test with a peer is left out; see `unless`. */
export function needingHaproxy(): Record<string, boolean> {
  return needing("haproxy", "haproxy");
}

/** The same; nginx has streams in a module of its own, unless it was built with them. */
export function needingNginx(): Record<string, boolean> {
  return {
    ...needing("nginx", "nginx-light"),
    "there is no module for streams of nginx, which is in the package libnginx-mod-stream":
      find("nginx") !== undefined && !hasStreams(),
  };
}

function hasStreams(): boolean {
  try {
    return Deno.statSync(STREAM_MODULE).isFile;
  } catch {
    return false;
  }
}

/** HAProxy with these sections, and its log; on its own port it answers everybody. */
export function startHaproxy(sections: string): Promise<RealServer> {
  return serve("haproxy", async ({ port, folder }) => {
    const file = `${folder}/haproxy.cfg`;
    await Deno.writeTextFile(
      file,
      `global
  log stdout format raw local0
  stats socket ${folder}/stats.sock
defaults
  log global
  timeout connect 5s
  timeout client 20s
  timeout server 20s
frontend ready
  mode http
  no log
  bind 127.0.0.1:${port}
  http-request return status 200
${sections}
`,
    );
    return ["-db", "-f", file];
  });
}

/** What HAProxy counts of a proxy and a server in it, such as FRONTEND: numbers by name. */
export async function haproxyStats(
  { folder }: RealServer,
  [proxy, server]: readonly [string, string],
): Promise<Record<string, number>> {
  using conn = await Deno.connect({ transport: "unix", path: `${folder}/stats.sock` });
  await conn.write(new TextEncoder().encode("show stat\n"));
  const [head = "", ...rows] = (await new Response(conn.readable).text()).replace("# ", "").split(
    "\n",
  );
  const row = rows.map((line) => line.split(",")).find(([p, s]) => p === proxy && s === server);
  const names = head.split(",");
  return Object.fromEntries((row ?? []).map((value, i) => [names[i]!, Number(value)]));
}

/**
 * nginx with these servers. In its folder `error.log` has what it complains of, `http.log` its
 * requests, `stream.log` its connections, each with the client's address first.
 */
export function startNginx(servers: { http?: string; stream?: string }): Promise<RealServer> {
  return serve("nginx", async ({ port, folder }) => {
    const file = `${folder}/nginx.conf`;
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => {
      return `  ${name}_temp_path ${folder}/${name};`;
    });
    await Deno.writeTextFile(
      file,
      `load_module ${STREAM_MODULE};
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log warn;
events {}
http {
  access_log ${folder}/http.log;
${temporary.join("\n")}
  server { listen 127.0.0.1:${port}; return 200; }
${servers.http ?? ""}
}
stream {
  log_format line "$remote_addr $remote_port $status";
  access_log ${folder}/stream.log line;
${servers.stream ?? ""}
}
`,
    );
    return ["-p", folder, "-e", `${folder}/error.log`, "-c", file];
  });
}

/** The lines of one of these files so far. */
export async function nginxLog({ folder }: RealServer, name: string): Promise<string[]> {
  try {
    return (await Deno.readTextFile(`${folder}/${name}.log`)).split("\n").filter(Boolean);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** What a client got, and which address it had. */
export interface Answer {
  readonly text: string;
  /** Its address and port with a blank between, as the servers of the tests say it. */
  readonly client: string;
}

/**
 * Asks for a page from a certain address of this machine, and reads to the end.
 *
 * @param options.pause Waited for when half of the request is sent; gets the client's address.
 */
export async function askFrom(
  localAddress: string,
  target: { host: string; port: number },
  options: { pause?: (client: string) => Promise<void> } = {},
): Promise<Answer> {
  const socket = connect({ ...target, localAddress });
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  let [text, client] = ["", ""];
  socket.setEncoding("utf8");
  socket.on("connect", () => {
    client = `${socket.localAddress} ${socket.localPort}`;
    socket.write("GET / HTTP/1.0\r\nHost: test\r\n");
    const pause = options.pause?.(client) ?? Promise.resolve();
    pause.then(() => void socket.write("\r\n"), reject);
  });
  socket.on("data", (data) => text += data);
  socket.on("end", () => resolve({ text: text.split("\r\n\r\n").at(-1)!.trim(), client }));
  socket.on("error", reject);
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}
