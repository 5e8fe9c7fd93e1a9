import { assert, assertEquals, assertThrows } from "@std/assert";
import { ByName } from "../../../src/net/tls/by_name.ts";
import { PairError, type PairText, readPair } from "../../../src/net/tls/pair.ts";
import { Authority, type CertificateFiles, hasOpenssl } from "../../support/authority.ts";
import { unless } from "../../support/unless.ts";

const NO_OPENSSL = { "there is no openssl": !hasOpenssl };

function read({ cert, key }: CertificateFiles): PairText {
  return { cert: Deno.readTextFileSync(cert), key: Deno.readTextFileSync(key) };
}

/** What is in a PEM file, as it is read where PEM is expected. */
function derOf(pem: string): string {
  const base64 = pem.replace(/-----[^-]*-----|\n/g, "");
  return new TextDecoder().decode(Uint8Array.from(atob(base64), (one) => one.charCodeAt(0)));
}

Deno.test({
  ...unless("a pair tells its names and how long it is valid", NO_OPENSSL),
  fn() {
    using authority = new Authority();
    const pair = readPair(read(authority.issue({ names: ["A.example", "*.w.example"], days: 3 })));
    assertEquals(pair.names, ["a.example", "*.w.example"]);
    assert(Math.abs(pair.until - (Date.now() + 3 * 86_400_000)) < 60_000);
    const expired = readPair(read(authority.issue({ days: -1 })));
    assert(Math.abs(expired.until - (Date.now() - 86_400_000)) < 60_000);
    // Without alternatives the common name counts.
    const own = { cert: authority.text, key: Deno.readTextFileSync(`${authority.folder}/ca.key`) };
    assertEquals(readPair(own).names, ["an authority"]);
  },
});

Deno.test({
  ...unless("what is no pair is refused, and the message says why", NO_OPENSSL),
  fn() {
    using authority = new Authority();
    const { cert, key } = read(authority.issue());
    const other = read(authority.issue());
    const bad: [PairText, keyof PairText, string][] = [
      [{ cert, key: other.key }, "key", "is not that of the certificate"],
      [{ cert: key, key }, "cert", "has no certificate in it, but a PRIVATE KEY"],
      [{ cert, key: cert }, "key", "has no private key in it, but a CERTIFICATE"],
      [{ cert: cert.slice(0, 200), key }, "cert", "in it, but the beginning of a CERTIFICATE"],
      [{ cert, key: key.slice(0, 80) }, "key", "in it, but the beginning of a PRIVATE KEY"],
      [{ cert: derOf(cert), key }, "cert", "has no certificate in it, but bytes: must be PEM"],
      [{ cert, key: derOf(key) }, "key", "has no private key in it, but bytes: must be PEM"],
      [{ cert: other.cert + cert, key }, "cert", "has the certificate of the key in place 2"],
      [{ cert: `${cert}${cert.slice(0, 60)}\n${cert.slice(-26)}`, key }, "cert", "no readable"],
      [{ cert, key: "" }, "key", "has no private key in it"],
      [{ cert: cert.replace(/MI..../, "MIIIII"), key }, "cert", "has no readable certificate"],
      [{ cert, key: key.replace(/\nM.{30}/, "\nMMMM") }, "key", "has no readable private key"],
      [
        { cert, key: key.replaceAll("PRIVATE", "ENCRYPTED PRIVATE") },
        "key",
        "is encrypted; must be a key without a passphrase",
      ],
    ];
    for (const [pair, part, problem] of bad) {
      const error = assertThrows(() => readPair(pair), PairError, problem);
      assertEquals([error.part, error.message.split("\n").length], [part, 1], problem);
    }
    // The order in the file does not matter, nor what is around it.
    assertEquals(readPair({ cert: `text\n${key}${cert}`, key: `${cert}${key}` }).names, [
      "localhost",
    ]);
  },
});

Deno.test({
  ...unless("a key of a kind that cannot be served is refused", NO_OPENSSL),
  fn() {
    using authority = new Authority();
    const curve = (name: string) => ["-newkey", "ec", "-pkeyopt", `ec_paramgen_curve:${name}`];
    for (const newKey of [["-newkey", "rsa:2048"], curve("secp384r1"), ["-newkey", "ed25519"]]) {
      assertEquals(readPair(read(authority.issue({ newKey }))).names, ["localhost"]);
    }
    for (const newKey of [["-newkey", "rsa:1024"], curve("secp256k1"), ["-newkey", "ed448"]]) {
      const { part } = assertThrows(() => readPair(read(authority.issue({ newKey }))), PairError);
      assertEquals(part, "key");
    }
  },
});

Deno.test("of several the exact name counts before a wildcard, and otherwise the first", () => {
  const all = [["a.example"], ["*.example", "b.c.example"], ["b.example", "a.example"]]
    .map((names, number) => ({ names, number }));
  const byName = new ByName(all);
  const found = (name: string | undefined) => byName.find(name).number;
  assertEquals(["a.example", "b.example", "c.example", "b.c.example"].map(found), [0, 2, 1, 1]);
  // A wildcard is one label.
  assertEquals(["x.c.example", "example", ".example", undefined].map(found), [0, 0, 0, 0]);
});
