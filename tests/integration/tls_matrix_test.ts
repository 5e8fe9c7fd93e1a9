import { assertEquals, assertMatch } from "@std/assert";
import { hasNodeTls } from "../../src/net/tls/node_tls.ts";
import { Authority, type CertificateFiles, hasOpenssl, sClient } from "../support/authority.ts";
import { TestFile } from "../support/config_file.ts";
import type { AccessRecord } from "../../src/logging/access_format.ts";
import { Program } from "../support/program.ts";
import { echo, freePort, readExactly, TestServer, until, writeAll } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

const NO_OPENSSL = { "there is no openssl": !hasOpenssl };
/** The binary may have another runtime than the tests. */
const HAS_NODE_TLS = !Deno.env.get("IAWLB_BINARY") && hasNodeTls();

/** What a client offers, as arguments of openssl, and what it has to see then. */
interface Offer {
  args: readonly string[];
  sees: RegExp;
}

const VERSIONS: Readonly<Record<"1.2" | "1.3", Offer>> = {
  "1.2": { args: ["-tls1_2"], sees: /^New, TLSv1\.2,/m },
  "1.3": { args: ["-tls1_3"], sees: /^New, TLSv1\.3,/m },
};

const PROTOCOLS: readonly Offer[] = [
  { args: [], sees: /^No ALPN negotiated/m },
  { args: ["-alpn", "http/1.1,h2"], sees: /^ALPN protocol: h2$/m },
  { args: ["-alpn", "other,http/1.1"], sees: /^ALPN protocol: http\/1\.1$/m },
  { args: ["-alpn", "other"], sees: /alert no application protocol/ },
];

const name = (name: string, verify = name) => ["-servername", name, "-verify_hostname", verify];
const NAMES: readonly Offer[] = [
  { args: ["-noservername"], sees: /subject=CN = one\.example\n[^]*Verify return code: 0 \(ok\)/ },
  { args: name("one.example"), sees: /CN = one\.example\n[^]*Verify return code: 0 \(ok\)/ },
  { args: name("a.two.example"), sees: /CN = \*\.two\.example\n[^]*Verify return code: 0 \(ok\)/ },
  { args: name("other.example"), sees: /CN = one\.example\n[^]*code: \d+ \(hostname mismatch\)/i },
  {
    args: name("old.example"),
    sees: /CN = old\.example\n[^]*code: 10 \(certificate has expired\)/,
  },
  {
    args: name("self.example"),
    sees: /CN = self\.example\n[^]*code: \d+ \(self.signed certificate/,
  },
];

Deno.test({
  ...unless(
    "openssl s_client finds versions, protocols, names and certificates as set",
    NO_OPENSSL,
  ),
  async fn() {
    using authority = new Authority();
    const self = selfSigned(authority, "self.example");
    const pairs = [
      authority.issue({ names: ["one.example"] }),
      authority.issue({ names: ["*.two.example"] }),
      authority.issue({ names: ["old.example"], days: -1 }),
      self,
    ];
    await using server = new TestServer(async (conn) => void await readExactly(conn, 2));
    const [all, recent, verified] = [freePort(), freePort(), freePort()];
    const listener = (port: number, more = "") => `
[[listener]]
listen = "127.0.0.1:${port}"
destinations = ["${server.address}"]
certificates = [${pairs.map(({ cert, key }) => `"${cert}:${key}"`).join(", ")}]
tls-alpn = ["h2", "http/1.1"]
${more}
`;
    using file = new TestFile(
      listener(all) + listener(recent, 'tls-min = "1.3"') +
        (HAS_NODE_TLS ? listener(verified, `tls-client-ca = "${authority.cert}"`) : ""),
    );
    await using program = await Program.spawn(["--config", file.path, "--log-format", "json"]);
    await until(
      () => program.log.filter((line) => line.includes("listening on ")).length >= 2,
      "all listen",
    );
    const client = authority.issue({ names: ["a client"] });
    const own = ["-cert", client.cert, "-key", client.key];
    const lanes: (() => Promise<void>)[] = [];
    const ask = (port: number, args: readonly string[], expected: readonly RegExp[]) =>
      lanes.push(async () => {
        const said = await sClient(port, ["-CAfile", authority.cert, "-ign_eof", ...args], "x\n");
        for (const one of expected) assertMatch(said, one, `${args}`);
      });
    for (const [version, { args, sees }] of Object.entries(VERSIONS)) {
      for (const protocol of PROTOCOLS) {
        for (const { args: asked, sees: shown } of NAMES) {
          const offered = [...args, ...protocol.args, ...asked];
          // Nothing is agreed on with a client that speaks another protocol.
          const served = protocol.args[1] === "other"
            ? [protocol.sees]
            : [sees, protocol.sees, shown];
          ask(all, offered, served);
          ask(recent, offered, version === "1.3" ? served : [/alert protocol version/]);
          if (!HAS_NODE_TLS) continue;
          ask(verified, [...offered, ...own], served);
          const none = protocol.args[1] === "other" ? protocol.sees : /alert certificate required/;
          ask(verified, offered, [none]);
        }
      }
    }
    await Promise.all(Array.from({ length: 8 }, async () => {
      for (let one = lanes.pop(); one; one = lanes.pop()) await one();
    }));
    const port = (listener: number) => (entry: AccessRecord) =>
      entry.listener.endsWith(`:${listener}`);
    const entries = program.out.map((line): AccessRecord => JSON.parse(line));
    const versions = (of: number) =>
      new Set(entries.filter(port(of)).map((one) => one.tls_version));
    assertEquals(versions(all), new Set(["1.2", "1.3"]));
    assertEquals(versions(recent), new Set(["1.3"]));
  },
});

Deno.test({
  ...unless("a certificate that is replaced by 100 reloads costs nobody a handshake", NO_OPENSSL),
  async fn() {
    using authority = new Authority();
    await using server = new TestServer(echo);
    const file = `${authority.folder}/served`;
    const { cert, key } = authority.issue({ file });
    const pairs = [authority.issue(), authority.issue()];
    await using program = await Program.start([server.address], [
      "--tls-cert",
      cert,
      "--tls-key",
      key,
    ]);
    let over = false;
    let served = 0;
    const lanes = Array.from({ length: 2 }, async () => {
      while (!over) {
        const conn = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
        using tls = await Deno.startTls(conn, {
          hostname: "localhost",
          caCerts: [authority.text],
        });
        await writeAll(tls, new TextEncoder().encode("hello"));
        await readExactly(tls, 5);
        served++;
      }
    });
    for (let i = 0; i < 100; i++) {
      const { cert: from, key: fromKey } = pairs[i % 2]!;
      Deno.copyFileSync(from, cert);
      Deno.copyFileSync(fromKey, key);
      const before = served;
      program.signal("SIGHUP");
      await until(
        () => program.log.filter((line) => line.includes("reload: tls-key")).length > i,
        "it is reloaded",
      );
      await until(() => served > before, "somebody is served");
    }
    over = true;
    await Promise.all(lanes);
    const { ended } = await program.status();
    assertEquals(ended["tls-failed"] ?? 0, 0);
  },
});

/** A certificate that nobody vouches for. */
function selfSigned({ folder }: Authority, name: string): CertificateFiles {
  const [cert, key] = [`${folder}/self.pem`, `${folder}/self.key`];
  const { success } = new Deno.Command("openssl", {
    args: [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...["-days", "20", "-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`],
      ...["-keyout", key, "-out", cert],
    ],
    stderr: "null",
  }).outputSync();
  assertEquals(success, true);
  return { cert, key };
}
