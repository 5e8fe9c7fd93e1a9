import { assertEquals, assertMatch } from "@std/assert";
import { hasNodeTls } from "../../../src/net/tls/node_tls.ts";
import { echo } from "../../support/servers.ts";
import { TlsFiles } from "../../support/tls_files.ts";
import { TlsServer } from "../../support/tls_servers.ts";
import { unless } from "../../support/unless.ts";

const MAIN = new URL("../../support/late_trust_main.ts", import.meta.url).pathname;

Deno.test(
  unless("TLS out: what the runtime has read before vouches for nobody", {
    "there is no openssl": !TlsFiles.isPossible,
  }),
  async () => {
    using files = new TlsFiles();
    files.make("server");
    files.make("other-ca", { by: "other-ca", authority: true });
    await using server = new TlsServer(files.pair("server"), echo);

    assertMatch(
      await ask(server.port, { ours: files.cert("other-ca"), theirs: files.cert("ca") }),
      hasNodeTls()
        ? /^others as well\n.*from no authority in .*other-ca/
        : /^others as well\n.*use Deno 2\.8/,
    );
    if (!hasNodeTls()) return;
    assertEquals(
      await ask(server.port, { ours: files.cert("ca"), theirs: files.cert("other-ca") }),
      "others as well\ntrusted\n",
    );
  },
);

/** What comes of a server that the runtime trusts by one file and the program by the other. */
async function ask(
  port: number,
  { ours, theirs }: { ours: string; theirs: string },
): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "-A", MAIN, `${port}`, ours],
    env: { DENO_TLS_CA_STORE: "system", SSL_CERT_FILE: theirs },
  }).output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}
