import { assertEquals } from "@std/assert";
import { configOfFile } from "../support/config_file.ts";
import { Authority, hasOpenssl } from "../support/authority.ts";
import { unless } from "../support/unless.ts";

/** The warnings of a file of these lines. */
async function warningsOf(...lines: string[]): Promise<readonly string[]> {
  const { warnings = [] } = await configOfFile(`${lines.join("\n")}\n`);
  return warnings.map((line) => line.replace(/^\S+\.toml:/, "FILE:"));
}

Deno.test("protocols as people call them are warned of, with what clients call them", async () => {
  assertEquals(
    await warningsOf(
      'listen = "443"',
      "destinations = [",
      '  { address = "9001", alpn = "http2|HTTP/1.1" },',
      '  { address = "9002", alpn = "h2|http/1.1|http/1.0|acme-tls/1" },',
      "]",
    ),
    [
      'FILE:3: destinations "9001,alpn=http2|HTTP/1.1" has alpn with "http2", which no client ' +
      "offers; most likely h2",
      'FILE:3: destinations "9001,alpn=http2|HTTP/1.1" has alpn with "HTTP/1.1", which no client ' +
      "offers; most likely http/1.1",
    ],
  );
});

Deno.test("TLS within the TLS of clients, which goes on untouched, is warned of", async () => {
  const places = ['listen = "443"', 'destinations = ["9001,sni=a.example,tls", "9002,tls"]'];
  assertEquals(await warningsOf(...places), [
    'FILE:2: destinations "9001,sni=a.example,tls" has tls, and its listener no tls-cert: the TLS ' +
    "of clients goes on as it is, and stands within another one",
  ]);
});

Deno.test({
  ...unless("with a certificate it is no TLS within another one", {
    "there is no openssl": !hasOpenssl,
  }),
  async fn() {
    using authority = new Authority();
    const { cert, key } = authority.issue();
    const lines = [
      'listen = "443"',
      'destinations = ["9001,sni=a.example,tls"]',
      `tls-cert = "${cert}"`,
      `tls-key = "${key}"`,
    ];
    assertEquals(await warningsOf(...lines), []);
    assertEquals(await warningsOf(...lines, 'tls-alpn = "h2,http1.1"'), [
      'FILE:5: tls-alpn has "http1.1", which no client offers; most likely http/1.1',
    ]);
  },
});
