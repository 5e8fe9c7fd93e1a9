const decoder = new TextDecoder();

/** Places of servers that are not in every user's PATH. */
const MORE_PLACES = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** A program on this machine. */
export interface Tool {
  readonly path: string;
  readonly version: string;
}

/** nginx with its stream module. */
export interface Nginx extends Tool {
  /** The line that loads the module, if it is not built in. */
  readonly loadStream: string;
}

/** What is installed of the programs that the suite can make use of. */
export interface Tools {
  readonly haproxy: Tool | undefined;
  readonly nginx: Nginx | undefined;
  readonly socat: Tool | undefined;
  readonly wrk: Tool | undefined;
  readonly iperf3: Tool | undefined;
}

/** How to install what is missing; the package names are Debian's. */
export const PACKAGES: Readonly<Record<keyof Tools, string>> = {
  haproxy: "haproxy",
  nginx: "nginx libnginx-mod-stream",
  socat: "socat",
  wrk: "wrk",
  iperf3: "iperf3",
};

export function findTools(): Tools {
  return {
    haproxy: find("haproxy", ["-v"], /version (\S+)/),
    nginx: findNginx(),
    socat: find("socat", ["-V"], /socat version (\S+)/),
    wrk: find("wrk", ["-v"], /wrk (\S+)/),
    iperf3: find("iperf3", ["--version"], /iperf (\S+)/),
  };
}

function findNginx(): Nginx | undefined {
  const nginx = find("nginx", ["-V"], /nginx\/(\S+)/);
  if (!nginx) return undefined;
  const built = output(nginx.path, ["-V"]);
  if (/--with-stream\s/.test(built)) return { ...nginx, loadStream: "" };
  const module = `${/--modules-path=(\S+)/.exec(built)?.[1]}/ngx_stream_module.so`;
  return exists(module) ? { ...nginx, loadStream: `load_module ${module};` } : undefined;
}

function find(name: string, args: string[], version: RegExp): Tool | undefined {
  const places = [...(Deno.env.get("PATH") ?? "").split(":"), ...MORE_PLACES];
  const path = places.map((place) => `${place}/${name}`).find(exists);
  return path ? { path, version: version.exec(output(path, args))?.[1] ?? "?" } : undefined;
}

function output(path: string, args: string[]): string {
  const { stdout, stderr } = new Deno.Command(path, { args }).outputSync();
  return decoder.decode(stdout) + decoder.decode(stderr);
}

export function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
