import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ctl } from "../../src/client/ctl.ts";
import { Authority, hasOpenssl } from "../support/authority.ts";
import { Program, runProgram } from "../support/program.ts";
import {
  echo,
  freePort,
  randomBytes,
  readExactly,
  TestServer,
  until,
  writeAll,
} from "../support/servers.ts";
import { TlsServer } from "../support/tls_servers.ts";
import { fields, hasTshark } from "../support/tshark.ts";
import { UdpClient } from "../support/udp.ts";
import { unless } from "../support/unless.ts";

/** One way into the program and out of it, and what a capture must have of it. */
interface Kind {
  /** Its keys in the file. */
  readonly keys: string;
  /** Where it listens, and how it is written. */
  readonly listen?: string;
  connect?(): Promise<Deno.Conn>;
  /** The client's address where it is not that of the connection. */
  readonly client?: string;
  /** A part of the comment of its first packet. */
  readonly comment?: string;
  /** Whether what the client says is not to be seen. */
  readonly encrypted?: boolean;
}

type Side = [address: string, hex: string];

const SENT = 100_000;

/** What tshark says of one connection. */
interface Seen {
  comment: string;
  flags: string;
  readonly payload: Record<string, string>;
}

async function seen(path: string): Promise<Seen[]> {
  const names = ["tcp.stream", "ip.src", "ipv6.src", "tcp.srcport", "tcp.flags.str"];
  const wrong = ["tcp.analysis.flags", "tcp.checksum.status", "ip.checksum.status"];
  const streams: Seen[] = [];
  for (
    const line of await fields(path, ...names, ...wrong, "frame.comment", "tcp.payload")
  ) {
    const [stream, ipv4, ipv6, port, flags, analysis, sum, ipSum, ...rest] = line.split(";");
    if (stream === "") continue;
    assertEquals([analysis, sum, ipSum], ["", "1", ipv4 ? "1" : ""], line.slice(0, 200));
    const one = streams[Number(stream)] ??= { comment: "", flags: "", payload: {} };
    one.comment ||= rest.slice(0, -1).join(";");
    one.flags += `${flags!.replaceAll("·", "")} `;
    const from = ipv4 ? `${ipv4}:${port}` : `[${ipv6}]:${port}`;
    one.payload[from] = (one.payload[from] ?? "") + rest.at(-1);
  }
  return streams;
}

Deno.test({
  ...unless("Wireshark reads what clients of every kind say, and hear, and finds nothing wrong", {
    "there is no tshark": !hasTshark,
    "there is no openssl": !hasOpenssl,
  }),
  async fn() {
    using authority = new Authority();
    const { folder } = authority;
    const files = authority.issue();
    const pair = { cert: Deno.readTextFileSync(files.cert), key: Deno.readTextFileSync(files.key) };
    await using server = new TestServer(echo);
    await using tlsServer = new TlsServer(pair, (conn) => echo(conn));
    const ports = Array.from({ length: 9 }, freePort);
    const tcp = (n: number) => Deno.connect({ port: ports[n]! });
    const tls = async (n: number) =>
      await Deno.startTls(await tcp(n), { hostname: "localhost", caCerts: [authority.text] });
    const to = `destinations = ["${server.address}"]`;
    const toTls = `"127.0.0.1:${tlsServer.port}`;
    const kinds: Record<string, Kind> = {
      plain: { keys: to },
      "TLS in": {
        keys: `${to}\ntls-cert = "${files.cert}"\ntls-key = "${files.key}"`,
        connect: () => tls(1),
        comment: "decrypted: TLS 1.3 ends at the listener",
      },
      "TLS through": {
        keys: `destinations = [${toTls},sni=localhost"]`,
        connect: () => tls(2),
        encrypted: true,
      },
      "TLS out": {
        keys: `destinations = [${toTls},tls,tls-name=localhost,tls-ca=${authority.cert}"]`,
      },
      service: { keys: `destinations = ["service:echo"]` },
      program: { keys: `destinations = ["exec:cat"]` },
      process: { keys: `destinations = ["service:echo,processes=accept,workers=2"]\nthreads = 2` },
      proxied: {
        keys: `${to}\naccept-proxy = "127.0.0.0/8"`,
        async connect() {
          const conn = await tcp(7);
          await writeAll(
            conn,
            new TextEncoder().encode("PROXY TCP4 192.0.2.7 198.51.100.1 5000 443\r\n"),
          );
          return conn;
        },
        client: "192.0.2.7:5000",
      },
      IPv6: {
        keys: to,
        listen: `[::1]:${ports[8]}`,
        connect: () => Deno.connect({ hostname: "::1", port: ports[8]! }),
      },
      "a UNIX socket": {
        keys: to,
        listen: `unix:${folder}/in.sock`,
        connect: () => Deno.connect({ transport: "unix", path: `${folder}/in.sock` }),
        client: "127.0.0.1:40001",
        comment: "the addresses are made up",
      },
    };
    const udpPort = freePort();
    const tables = Object.values(kinds).map(({ keys, listen }, n) => {
      return `[[listener]]\nlisten = "${listen ?? `127.0.0.1:${ports[n]}`}"\n${keys}\n`;
    });
    Deno.writeTextFileSync(`${folder}/token`, "the-token-of-who-looks-inside\n");
    Deno.writeTextFileSync(
      `${folder}/iawlb.toml`,
      `admin = "unix:${folder}/admin.sock"\nadmin-token-file = "${folder}/token"\n` +
        `log-format = "json"\nbalance = "round-robin"\n${tables.join("")}` +
        `[[listener]]\nlisten = "udp:127.0.0.1:${udpPort}"\nudp-idle = "2s"\n` +
        `destinations = ["service:echo"]\n`,
    );
    await using program = await Program.spawn(["--config", `${folder}/iawlb.toml`]);
    await program.logged(/admin API on /);
    await using udp = new UdpClient(udpPort);
    assertEquals(await udp.ask("first"), "first");
    const conns: Deno.Conn[] = [];
    for (const [n, { connect }] of Object.values(kinds).entries()) {
      conns.push(await (connect ?? (() => tcp(n)))());
    }
    const number = conns.length;
    const access = [`unix:${folder}/admin.sock`, "--token-file", `${folder}/token`];
    let ids: string[] = [];
    await until(async () => {
      const lines: string[] = [];
      await ctl([...access, "sessions", "--json"], (line) => lines.push(line));
      const all: { id: string; stage: string }[] = JSON.parse(lines.join("")).sessions;
      ids = all.filter(({ stage }) => stage === "relaying").map(({ id }) => id);
      return ids.length === number + 1;
    }, "all are relayed");
    const path = `${folder}/a.pcapng`;
    const captured = runProgram(["ctl", ...access, "capture", ...ids, "--file", path, "--json"]);
    await program.logged(/looks into the bytes of sessions /);
    const sent = conns.map(() => randomBytes(SENT));
    await Promise.all(conns.map(async (conn, n) => {
      const [got] = await Promise.all([readExactly(conn, SENT), writeAll(conn, sent[n]!)]);
      assertEquals(got, sent[n]);
    }));
    assertEquals(await udp.ask("second"), "second");
    const own = conns.map((conn) => {
      const { localAddr } = conn as { localAddr: Deno.Addr };
      if (localAddr.transport !== "tcp") return "";
      const { hostname, port } = localAddr;
      return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
    });
    for (const conn of conns) conn.close();
    const { code, stdout } = await captured;
    const { sessions, lost, ended } = JSON.parse(stdout);
    assertEquals([code, sessions, lost, ended], [0, number + 1, 0, "all of them are over"]);
    const streams = await seen(path);
    assertEquals(streams.length, number);
    for (const [n, [name, kind]] of Object.entries(kinds).entries()) {
      const one = streams.find(({ comment }) => comment.startsWith(`session ${n + 1}.`));
      assert(one, `${name}: nobody`);
      assertStringIncludes(one.comment, kind.comment ?? "", name);
      const [[from, up], [, down]] = Object.entries(one.payload) as [Side, Side];
      // Of TLS the connection does not tell its address.
      if (kind.client ?? own[n]) assertEquals(from, kind.client ?? own[n], name);
      const hex = sent[n]!.toHex();
      if (kind.encrypted) assert(!up.includes(hex.slice(0, 100)) && up.length > hex.length, name);
      else assertEquals([up === hex, down === hex], [true, true], name);
      assert(
        /F.*F/.test(one.flags) || /R/.test(one.flags),
        `${name} ends: ${one.flags.slice(-99)}`,
      );
    }
    const datagrams = await fields(path, "udp.srcport", "udp.checksum.status", "data.data");
    const second = "second".split("").map((c) => c.charCodeAt(0).toString(16)).join("");
    assertEquals(datagrams.filter((line) => /^\d/.test(line)), [
      `${udp.port};1;${second}`,
      `${udpPort};1;${second}`,
    ]);
  },
});
