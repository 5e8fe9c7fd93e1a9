import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { hasNodeTls } from "../../src/net/tls/node_tls.ts";
import { Authority, type CertificateFiles, hasOpenssl, sClient } from "../support/authority.ts";
import { TestFile } from "../support/config_file.ts";
import { Program } from "../support/program.ts";
import { echo, freePort, readExactly, TestServer, until, writeAll } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

function test(name: string, fn: (authority: Authority) => Promise<void>): void {
  Deno.test({
    ...unless(name, {
      "there is no openssl": !hasOpenssl,
      // The binary may have another runtime than the tests.
      "client certificates need Deno 2.8": !!Deno.env.get("IAWLB_BINARY") || !hasNodeTls(),
    }),
    async fn() {
      using authority = new Authority();
      await fn(authority);
    },
  });
}

function openssl(...args: string[]): string {
  const { success, stdout, stderr } = new Deno.Command("openssl", { args }).outputSync();
  const [said, wrong] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assert(success, wrong);
  return said!;
}

function own({ cert, key }: CertificateFiles): string[] {
  return ["-cert", cert, "-key", key];
}

test("a client needs a certificate, and the key to it, and is told what is wrong", async (authority) => {
  using others = new Authority();
  await using server = new TestServer(echo);
  const { cert, key } = authority.issue();
  await using program = await Program.start([server.address], [
    ...["--tls-cert", cert, "--tls-key", key],
    ...["--tls-client-ca", authority.cert, "--tls-alpn", "h2"],
  ]);
  const client = authority.issue({ names: ["someone"], subject: "some one" });
  const connected = await Deno.connectTls({
    ...{ hostname: "localhost", port: program.port, caCerts: [authority.text] },
    ...{ cert: Deno.readTextFileSync(client.cert), key: Deno.readTextFileSync(client.key) },
    alpnProtocols: ["h2"],
  });
  await writeAll(connected, new TextEncoder().encode("x"));
  await readExactly(connected, 1);
  await connected.closeWrite();
  assertEquals(await connected.read(new Uint8Array(1)), null);
  connected.close();
  const [entry] = await program.entries(1);
  const { reason, tls_client, tls_version, alpn } = entry!;
  assertEquals([reason, tls_client, tls_version, alpn], ["done", "CN=some one", "1.3", "h2"]);
  // The runtime refuses some only when its handshake of TLS 1.3 is over, and cannot say it any more.
  const refused: [string[], RegExp, RegExp, string][] = [
    [[], /alert certificate required/, /alert certificate required/, "shows no certificate"],
    [own(others.issue()), /alert unknown ca/, /eof/, "shows a certificate of no authority in"],
    [own(authority.issue({ days: -1 })), /alert certificate expired/, /eof/, "that has expired"],
    [
      ["-cert", client.cert, "-key", forged(client.key)],
      /alert (decrypt error|bad certificate)/,
      /alert (decrypt error|bad certificate)/,
      "could not agree on TLS",
    ],
  ];
  let failed = 0;
  for (const [args, old, recent, problem] of refused) {
    for (const [version, expected] of [["-tls1_2", old], ["-tls1_3", recent]] as const) {
      const said = await sClient(program.port, [version, "-ign_eof", ...args], "hello\n");
      assert(expected.test(said), `${version}: ${expected} for "${problem}"\n${said}`);
      failed++;
      await until(async () => (await program.status()).ended["tls-failed"] === failed, "it failed");
    }
    await program.logged(new RegExp(problem));
  }
  assertEquals(server.accepted, 1);
});

test("the certificate of an authority is nobody's own, though everybody may have it", async (authority) => {
  await using server = new TestServer(async (conn) => {
    await writeAll(conn, await readExactly(conn, 6));
  });
  const { cert, key } = authority.issue();
  // One of version 1, as some authorities of companies still are.
  const old = { cert: `${authority.folder}/old.pem`, key: `${authority.folder}/old.key` };
  const request = `${authority.folder}/old.csr`;
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", ...newKey, "-subj", "/CN=old", "-keyout", old.key, "-out", request);
  openssl("x509", "-req", "-in", request, "-signkey", old.key, "-out", old.cert);
  const about = openssl("x509", "-noout", "-text", "-in", old.cert);
  assertStringIncludes(about, "Version: 1 ");
  await using program = await Program.start([server.address], [
    ...["--tls-cert", cert, "--tls-key", key, "--tls-client-ca", old.cert],
  ]);
  let failed = 0;
  for (const version of ["-tls1_2", "-tls1_3"]) {
    for (const its of [old.key, forged(old.key)]) {
      await sClient(program.port, [version, "-ign_eof", "-cert", old.cert, "-key", its], "hello\n");
      failed++;
      await until(async () => (await program.status()).ended["tls-failed"] === failed, "it failed");
    }
  }
  await program.logged(/shows a certificate of version 1/);
  assertEquals(server.accepted, 0);
});

test("a session that is resumed counts only for authorities that have verified it", async (authority) => {
  using others = new Authority();
  await using server = new TestServer(async (conn) => {
    await writeAll(conn, await readExactly(conn, 6));
  });
  const served = authority.issue();
  const authorities = `${authority.folder}/clients.pem`;
  Deno.copyFileSync(authority.cert, authorities);
  const client = own(authority.issue({ names: ["someone"] }));
  const [port, elsewhere] = [freePort(), freePort()];
  const listener = (port: number, ca: string) => `
[[listener]]
listen = "127.0.0.1:${port}"
destinations = ["${server.address}"]
tls-cert = "${served.cert}"
tls-key = "${served.key}"
tls-client-ca = "${ca}"
`;
  using file = new TestFile(listener(port, authorities) + listener(elsewhere, others.cert));
  await using program = await Program.spawn(["--config", file.path, "--log-format", "json"]);
  const [kept, begin] = [`${authority.folder}/session`, ["-tls1_2", "-servername", "localhost"]];
  const ask = async (port: number, ...args: string[]) => {
    const said = await sClient(port, [...begin, "-ign_eof", ...args], "hello\n");
    return [/^(New|Reused), /m.exec(said)?.[1], said.includes("\nhello\n")];
  };
  assertEquals(await ask(port, ...client, "-sess_out", kept), ["New", true]);
  assertEquals(await ask(port, "-sess_in", kept), ["Reused", true]);
  assertEquals(await ask(elsewhere, "-sess_in", kept), ["Reused", false]);
  const { message } = JSON.parse(await program.logged(/tls-failed/));
  assertStringIncludes(message, "resumes a session with a certificate that was not verified here");
  const change = async (text: string, times: number) => {
    Deno.writeTextFileSync(authorities, text);
    program.signal("SIGHUP");
    await until(
      () => program.log.filter((line) => line.includes("reload: ")).length === times,
      "it is read again",
    );
  };
  // One authority more is no reason to begin anew, and one less is.
  await change(authority.text + others.text, 1);
  assertEquals(await ask(port, "-sess_in", kept), ["Reused", true]);
  await change(others.text, 2);
  assertEquals(await ask(port, "-sess_in", kept), ["Reused", false]);
  assertEquals(await ask(port, ...own(others.issue())), ["New", true]);
});

/** A file with a key that looks like another one, and is not. */
function forged(key: string): string {
  const made = `${key}.forged`;
  openssl("ec", "-in", key, "-outform", "DER", "-out", made);
  const bytes = Deno.readFileSync(made);
  // What begins with 4 and 32 is the secret, behind which the public key follows.
  const at = bytes.findIndex((byte, i) => byte === 4 && bytes[i + 1] === 32);
  bytes.fill(7, at + 2, at + 34);
  Deno.writeFileSync(made, bytes);
  openssl("ec", "-inform", "DER", "-in", made, "-out", `${made}.pem`);
  return `${made}.pem`;
}
