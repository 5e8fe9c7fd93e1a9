import { needing, type RealServer, serve } from "./packaged_servers.ts";

/** Why a test that needs dnsmasq is left out, and whether it is; see `unless`. */
export const NEEDING_DNSMASQ = needing("dnsmasq", "dnsmasq-base");

/** dnsmasq as the only server of the domain `test`, on a free port of loopback. */
export interface Dnsmasq extends RealServer {
  /** As a value of `--resolver`. */
  readonly address: string;
  /** As the resolver has it. */
  readonly setting: { readonly hostname: string; readonly port: number };
  /** Has other hosts from now on, lines as in hosts(5); it is not waited for. */
  change(hosts: string): Promise<void>;
}

/** Starts it with these options, such as `--srv-host=…`, and hosts that {@linkcode Dnsmasq.change} changes. */
export async function startDnsmasq(
  options: readonly string[],
  hosts = "",
): Promise<Dnsmasq> {
  const server = await serve("dnsmasq", async ({ port, folder }) => {
    await Deno.writeTextFile(`${folder}/hosts`, hosts);
    return [
      ...["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts"],
      ...["--local=/test/", "--listen-address=127.0.0.1", "--bind-interfaces", `--port=${port}`],
      ...[
        `--pid-file=${folder}/pid`,
        `--addn-hosts=${folder}/hosts`,
        "--user=",
        "--log-facility=-",
      ],
      ...options,
    ];
  });
  const { port, folder } = server;
  return {
    port,
    folder,
    log: () => server.log(),
    address: `127.0.0.1:${port}`,
    setting: { hostname: "127.0.0.1", port },
    async change(hosts) {
      await Deno.writeTextFile(`${folder}/hosts.new`, hosts);
      await Deno.rename(`${folder}/hosts.new`, `${folder}/hosts`);
      Deno.kill(Number(await Deno.readTextFile(`${folder}/pid`)), "SIGHUP");
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
