// iawlb between HAProxy and nginx of Debian: each reads what the other writes, and minds no check.
import type { SessionInfo } from "../../src/operations/operations.ts";
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { RealServer } from "../support/packaged_servers.ts";
import { Program } from "../support/program.ts";
import {
  askFrom,
  haproxyStats,
  needingHaproxy,
  needingNginx,
  nginxLog,
  startHaproxy,
  startNginx,
} from "../support/proxy_peers.ts";
import { freePort, until } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

/** An address of loopback that nobody has by chance. */
const CLIENT = "127.0.0.9";

/** Checks that come often, so that a server that minds them has something to say. */
const OFTEN = ["--check-interval", "20ms"];

for (const version of ["v1", "v2"] as const) {
  Deno.test({
    ...unless(`HAProxy behind --send-proxy ${version} sees the client, and minds no check`, {
      ...needingHaproxy(),
    }),
    async fn() {
      const [web, raw, back] = [freePort(), freePort(), freePort()];
      await using haproxy = await startHaproxy(`
frontend web
  mode http
  option httplog
  bind 127.0.0.1:${web} accept-proxy
  http-request return status 200 content-type text/plain lf-string "%[src] %[src_port] %[dst] %[dst_port]"
frontend raw
  mode tcp
  option tcplog
  bind 127.0.0.1:${raw} accept-proxy
  default_backend back
backend back
  mode tcp
  server back 127.0.0.1:${back}
frontend back
  mode http
  no log
  bind 127.0.0.1:${back}
  http-request return status 204`);
      const options = ["--send-proxy", version, ...OFTEN];
      await using program = await Program.start(
        [`127.0.0.1:${web},check=http:/`, `127.0.0.1:${raw},check=tcp,backup`],
        options,
      );
      const target = { host: "127.0.0.1", port: program.port };
      for (let i = 0; i < 3; i++) {
        const { text, client } = await askFrom(CLIENT, target);
        assertEquals(text, `${client} 127.0.0.1 ${program.port}`);
        assertEquals(client.split(" ")[0], CLIENT);
      }
      const checked = async () => {
        const [one, other] = await Promise.all(
          ["web", "raw"].map((name) => haproxyStats(haproxy, [name, "FRONTEND"])),
        );
        return one!.stot! >= 13 && other!.stot! >= 10;
      };
      await until(checked, "both are checked");
      // Before the end: a check that a drain cuts while it connects leaves a connection without a header.
      for (const name of ["web", "raw"]) {
        const { ereq, dreq } = await haproxyStats(haproxy, [name, "FRONTEND"]);
        assertEquals([ereq, dreq], [0, 0], haproxy.log());
      }
      const complaints = haproxy.log().match(/.*(PROXY protocol|BADREQ).*/g) ?? [];
      assertEquals(complaints, []);
      assertStringIncludes(haproxy.log(), `${CLIENT}:`);
      assertEquals(await program.terminate(), 0);
    },
  });

  Deno.test({
    ...unless(`nginx behind --send-proxy ${version} sees the client, and minds no check`, {
      ...needingNginx(),
    }),
    async fn() {
      const [web, raw] = [freePort(), freePort()];
      await using nginx = await startNginx({
        http: `
  server {
    listen 127.0.0.1:${web} proxy_protocol;
    set_real_ip_from 127.0.0.1;
    real_ip_header proxy_protocol;
    return 200 "$remote_addr $remote_port $proxy_protocol_server_addr $proxy_protocol_server_port";
  }`,
        stream: `
  server {
    listen 127.0.0.1:${raw} proxy_protocol;
    set_real_ip_from 127.0.0.1;
    return "$remote_addr $remote_port $proxy_protocol_server_addr $proxy_protocol_server_port";
  }`,
      });
      for (const [destination, check] of [[web, "http:/"], [raw, "tcp"]] as const) {
        await using program = await Program.start(
          [`127.0.0.1:${destination},send-proxy=${version}`],
          ["--check", check, ...OFTEN],
        );
        const target = { host: "127.0.0.1", port: program.port };
        const { text, client } = await askFrom(CLIENT, target);
        assertEquals(text, `${client} 127.0.0.1 ${program.port}`);
        const log = check === "tcp" ? "stream" : "http";
        await until(async () => (await nginxLog(nginx, log)).length > 10, "it is checked");
        const refused = (await nginxLog(nginx, log)).filter((line) => !line.includes(" 200"));
        assertEquals(refused, []);
        const { destinations: [{ state, failures }] } = await program.status();
        assertEquals([state, failures], ["up", 0]);
        // Before the end, as above; what the program before this one cut may be said late.
        const errors = await nginxLog(nginx, "error");
        assertEquals(errors.filter((line) => line.includes(`:${destination}`)), []);
        assertEquals(await program.terminate(), 0);
      }
    },
  });
}

/** Who stands in front, and how it is told where iawlb is. */
type Front = "HAProxy v1" | "HAProxy v2" | "nginx v1";

function startFront(
  front: Front,
  { port, iawlb }: { port: number; iawlb: string },
): Promise<RealServer> {
  if (front === "nginx v1") {
    return startNginx({
      stream: `
  server { listen 127.0.0.1:${port}; proxy_pass ${iawlb}; proxy_protocol on; }`,
    });
  }
  const send = front === "HAProxy v1" ? "send-proxy" : "send-proxy-v2";
  return startHaproxy(`
listen front
  mode tcp
  bind 127.0.0.1:${port}
  server iawlb ${iawlb.replace("unix:", "unix@")} ${send} check check-send-proxy inter 50ms`);
}

function startBack(back: "HAProxy" | "nginx", port: number): Promise<RealServer> {
  if (back === "HAProxy") {
    return startHaproxy(`
frontend back
  mode http
  bind 127.0.0.1:${port} accept-proxy
  http-request return status 200 content-type text/plain lf-string "%[src] %[src_port] %[dst] %[dst_port]"`);
  }
  return startNginx({
    http: `
  server {
    listen 127.0.0.1:${port} proxy_protocol;
    set_real_ip_from 127.0.0.1;
    real_ip_header proxy_protocol;
    return 200 "$remote_addr $remote_port $proxy_protocol_server_addr $proxy_protocol_server_port";
  }`,
  });
}

for (
  const [front, by, version, last] of [
    ["HAProxy v1", "TCP", "v2", "nginx"],
    ["HAProxy v2", "TCP", "v1", "nginx"],
    ["HAProxy v2", "UNIX", "v2", "HAProxy"],
    ["nginx v1", "TCP", "v2", "HAProxy"],
    ["nginx v1", "UNIX", "v1", "nginx"],
  ] as const
) {
  Deno.test({
    ...unless(
      `${front} → ${by} → iawlb → ${version} ${last}: everybody knows the client, in a drain as well`,
      {
        ...needingHaproxy(),
        ...needingNginx(),
      },
    ),
    async fn() {
      const [behind, port, admin] = [freePort(), freePort(), freePort()];
      await using back = await startBack(last, behind);
      const iawlb = by === "UNIX" ? `unix:${back.folder}/iawlb.sock` : `127.0.0.1:${freePort()}`;
      await using program = await Program.spawn([
        ...["--accept-proxy", "127.0.0.0/8,unix", "--send-proxy", version],
        ...["--threads", by === "TCP" ? "2" : "1", "--check", "http:/", ...OFTEN],
        ...["--admin", `127.0.0.1:${admin}`, "--log-format", "json"],
        ...[iawlb, `127.0.0.1:${behind}`],
      ]);
      await using before = await startFront(front, { port, iawlb });
      const target = { host: "127.0.0.1", port };
      const clients: string[] = [];
      const ask = async (pause?: (client: string) => Promise<void>) => {
        const { text, client } = await askFrom(CLIENT, target, { ...pause && { pause } });
        assertEquals(text, `${client} 127.0.0.1 ${port}`);
        clients.push(client.replace(" ", ":"));
      };
      for (let i = 0; i < 4; i++) await ask();
      if (front !== "nginx v1") {
        const checks = async () => (await haproxyStats(before, ["front", "iawlb"])).check_duration;
        await until(async () => !Number.isNaN(await checks()), "it is checked");
        const { chkfail, chkdown } = await haproxyStats(before, ["front", "iawlb"]);
        assertEquals([chkfail, chkdown], [0, 0]);
      }
      // The last one is half-way when the drain begins.
      await ask(async (client) => {
        const shown = async () => {
          const answer = await fetch(`http://127.0.0.1:${admin}/sessions`);
          const { sessions } = await answer.json() as { sessions: SessionInfo[] };
          const own = sessions.find((one) => one.client === client.replace(" ", ":"));
          return own?.stage === "relaying" &&
            own.peer?.startsWith(by === "UNIX" ? "unix:" : "127.0.0.1:") === true;
        };
        await until(shown, "the session is shown with its client and its peer");
        program.signal("SIGTERM");
        await program.logged(/draining/);
        await until(shown, "it is shown in the drain, too");
      });
      assertEquals(await program.ended(), 0);
      // Its checks are sessions of HAProxy itself.
      const served = program.access().filter(({ client }) => client.startsWith(`${CLIENT}:`));
      assertEquals(served.filter(({ reason }) => reason !== "done"), []);
      assertEquals(served.map(({ client }) => client).toSorted(), clients.toSorted());
      assertEquals(program.log.filter((line) => line.includes("bad-proxy-header")), []);
    },
  });
}
