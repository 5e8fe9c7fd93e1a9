import { X509Certificate } from "node:crypto";
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { connect } from "../../../src/net/connect.ts";
import { DialError } from "../../../src/net/dial.ts";
import { hasNodeTls } from "../../../src/net/tls/node_tls.ts";
import { TlsOut } from "../../../src/net/tls/out.ts";
import { problemWith } from "../../../src/net/tls/trust.ts";
import { TlsFiles } from "../../support/tls_files.ts";
import { serveByOpenssl } from "../../support/tls_servers.ts";
import { unless } from "../../support/unless.ts";

const NEEDS = { "there is no openssl": !TlsFiles.isPossible };

let files!: TlsFiles;
if (TlsFiles.isPossible) {
  files = new TlsFiles();
  for (const name of ["server", "client"]) files.make(name);
  files.make("no-ip", { san: "DNS:localhost" });
  files.make("v6", { san: "IP:::1,IP:fd00::2" });
  files.make("wild", { san: "DNS:*.example.com" });
  files.make("expired", { expired: true });
  files.make("early", { early: true });
  for (const name of ["between", "above"]) files.make(name, { authority: true });
  files.make("late", { authority: true, expired: true });
  files.make("below", { by: "between" });
  files.make("below-late", { by: "late" });
  files.make("below-server", { by: "server" });
  files.make("self", { by: "self" });
  files.make("other", { by: "other", authority: true });
  // It has the name of the authority, and the same of itself below it, and not its key.
  files.make("false-ca", { by: "false-ca", authority: true, subject: "ca" });
  files.make("false", { by: "false-ca" });
  files.make("old", { by: "false-ca", version1: true });
  files.make("below-old", { by: "old" });
  addEventListener("unload", () => files[Symbol.dispose]());
}

function problem(shown: readonly string[], { name = "localhost", ca = "ca" } = {}) {
  const certificates = shown.map((one) => new X509Certificate(files.pair(one).cert));
  return problemWith(certificates, { name, roots: files.pair(ca).cert, from: `${ca}.pem` });
}

Deno.test(unless("TLS: whoever an authority has signed is trusted", NEEDS), () => {
  for (const shown of [["server"], ["server", "ca"], ["below", "between"]]) {
    assertEquals(problem(shown), undefined);
    assertEquals(problem(shown, { name: "127.0.0.1" }), undefined);
  }
  // What has nothing to do with it does no harm, in whatever order.
  assertEquals(problem(["below", "above", "between"]), undefined);
  assertEquals(problem(["below"], { ca: "between" }), undefined);
  assertEquals(problem(["self"], { ca: "self" }), undefined);
  assertEquals(problem(["wild"], { name: "a.example.com" }), undefined);
  for (const name of ["::1", "fd00::2"]) assertEquals(problem(["v6"], { name }), undefined);
});

Deno.test(unless("TLS: of whoever is not trusted it is said what came instead", NEEDS), () => {
  const from = "its certificate is from no authority in ca.pem, it is from ";
  const cases: [shown: string[], problem: string, expected?: { name?: string; ca?: string }][] = [
    [[], "it has shown no certificate"],
    [["expired"], "its certificate has expired on 2021-01-01"],
    [["early"], "its certificate is not valid before 2048-01-01"],
    [["self"], `${from}CN=self`],
    [["below"], `${from}CN=between`],
    [["below", "above"], `${from}CN=between`],
    [["below-late", "late"], `${from}CN=late; CN=late above it has expired on 2021-01-01`],
    // One that is none of an authority vouches for nobody.
    [["below-server", "server"], `${from}CN=server`],
    [["false"], `${from}CN=ca`],
    [["false", "false-ca"], `${from}CN=ca`],
    [["old"], "its certificate is of version 1, without names: must be one of version 3"],
    [
      ["below-old", "old"],
      "its certificate is of version 1, without names: must be one of version 3",
    ],
    [["no-ip"], "only for localhost, expected was 127.0.0.1", { name: "127.0.0.1" }],
    [["server"], "only for localhost, 127.0.0.1, expected was a.example", { name: "a.example" }],
    [["wild"], "only for *.example.com, expected was a.b.example.com", { name: "a.b.example.com" }],
    [["server"], "from no authority in other.pem, it is from CN=ca", { ca: "other" }],
  ];
  for (const [shown, expected, of] of cases) {
    const said = problem(shown, of) ?? "nothing";
    assertEquals(said.includes(expected), true, `${shown}: ${said}`);
  }
});

Deno.test(
  unless("TLS: a server whose certificate only names the authority is refused, however it does", {
    ...NEEDS,
    "it needs Deno 2.8": !hasNodeTls(),
  }),
  async () => {
    // With one of version 1 among them the runtime itself looks at no signature.
    for (const chain of [["old"], ["below-old", "old"], ["false"], ["below-late", "late"]]) {
      const path = `${files.folder}/chain`;
      await Deno.writeTextFile(path, chain.map((name) => files.pair(name).cert).join(""));
      await using server = await serveByOpenssl(files, chain[0]!, "-cert_chain", path);
      const out = new TlsOut({
        name: "localhost",
        roots: { path: "/ca.pem", text: files.pair("ca").cert },
        own: files.pair("client"),
        insecure: false,
      });
      const raw = await connect({ hostname: "127.0.0.1", port: server.port });
      const { signal } = new AbortController();
      const error = await assertRejects(
        () => out.start(raw, { signal, where: "there" }),
        DialError,
      );
      assertMatch(
        error.message,
        /^there: TLS: its certificate is (of version 1|from no authority)/,
      );
    }
  },
);
