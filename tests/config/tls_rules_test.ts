import { assertEquals, assertMatch } from "@std/assert";
import { validityWarning } from "../../src/config/tls_rules.ts";
import { shareOfLimits } from "../../src/config/thread_shares.ts";
import { entryFromFolder, fromFolder } from "../../src/config/start_folder.ts";
import { Authority, hasOpenssl } from "../support/authority.ts";
import { configOfFile, printedFile, problemsOfFile } from "../support/config_file.ts";
import { unless } from "../support/unless.ts";

const NO_OPENSSL = { "there is no openssl": !hasOpenssl };
const PLACES = 'listen = "443"\ndestinations = ["9001"]\n';

Deno.test({
  ...unless("certificates are a list of tables or of texts, and are printed as texts", NO_OPENSSL),
  async fn() {
    using authority = new Authority();
    const [one, two] = [authority.issue(), authority.issue()];
    const content = `${PLACES}certificates = [
  { cert = "${one.cert}", key = "${one.key}" },
  "${two.cert}:${two.key}",
]\n`;
    const { listeners: [listener] } = await configOfFile(content);
    assertEquals(
      listener!.certificates.map(({ cert, key }) => [cert.path, key.path]),
      [[one.cert, one.key], [two.cert, two.key]],
    );
    const printed = await printedFile(content);
    const text = `certificates = "${one.cert}:${one.key},${two.cert}:${two.key}"`;
    assertMatch(printed, new RegExp(`^${text}  # FILE:3$`, "m"));
    const again = await configOfFile(`${PLACES}${text}\n`);
    assertEquals(again.listeners[0]!.certificates, listener!.certificates);
    const none = await configOfFile(`${PLACES}certificates = []\n`);
    assertEquals(none.listeners[0]!.certificates, []);
  },
});

Deno.test({
  ...unless("what is wrong with certificates is said with its line", NO_OPENSSL),
  async fn() {
    using authority = new Authority();
    const [one, two] = [authority.issue(), authority.issue()];
    const problems = async (line: string, places = PLACES) => {
      const lines = await problemsOfFile(`${places}${line}\n`);
      return lines.filter((line) => line.startsWith("FILE:")).join("\n");
    };
    const bad: [string, RegExp][] = [
      [`certificates = [{ cert = "${one.cert}" }]`, /^FILE:3: .*must have cert and key/],
      [`certificates = [{ cert = 1, key = "a" }]`, /^FILE:3: certificates/],
      [
        `certificates = [{ cert = "${one.cert}", key = "${one.key}", name = "x" }]`,
        /^FILE:3: certificates\.name: no such key/,
      ],
      [
        `certificates = [{ cert = "/no/such", key = "${one.key}" }]`,
        /^FILE:3: certificates: \/no\/such cannot be read: there is no such file/,
      ],
      [
        `certificates = [{ cert = "${one.cert}", key = "${two.key}" }]`,
        /^FILE:3: certificates .*: \S+key is not that of the certificate$/,
      ],
      [`certificates = 5`, /^FILE:3: certificates/],
      [`tls-client-ca = "${one.cert}"`, /^FILE:3: tls-client-ca .*: must be none without/],
    ];
    for (const [line, expected] of bad) assertMatch(await problems(line), expected, line);
    const udp = 'listen = "udp:443"\ndestinations = ["udp:9001"]\n';
    assertMatch(
      await problems(`tls-cert = "${one.cert}"\ntls-key = "${one.key}"`, udp),
      /^FILE:3: tls-cert .*: there is no TLS for datagrams here; must be none for UDP/,
    );
    // For several listeners it stands once, and counts for those that can have it.
    const several = `tls-cert = "${one.cert}"\ntls-key = "${one.key}"
[[listener]]
listen = "udp:443"
destinations = ["udp:9001"]
[[listener]]
${PLACES}`;
    const { listeners } = await configOfFile(several);
    assertEquals(listeners.map(({ tlsCert }) => tlsCert.path), ["", one.cert]);
  },
});

Deno.test("how long a certificate is valid is told from 14 days on", () => {
  const day = 86_400_000;
  const now = Date.UTC(2026, 0, 1);
  const warning = (from: number, until: number) => {
    return validityWarning({ from: now + from * day, until: now + until * day }, now);
  };
  assertEquals(warning(-1, 14), undefined);
  assertEquals(warning(-1, 13.5), "ends in 13 days, at 2026-01-14 12:00 UTC");
  assertEquals(warning(-1, 1), "ends in 1 day, at 2026-01-02 00:00 UTC");
  assertEquals(warning(-2, -1), "ended at 2025-12-31 00:00 UTC: clients refuse it");
  assertEquals(warning(1, 2), "begins at 2026-01-02 00:00 UTC: clients refuse it until then");
});

Deno.test("paths of certificates are those of the folder in which a daemon was started", () => {
  const folder = "/start";
  assertEquals(
    fromFolder("certificates", { text: "a.pem:b/a.key,/c.pem:/c.key", folder }),
    "/start/a.pem:/start/b/a.key,/c.pem:/c.key",
  );
  const value = { kind: "string", text: "a.pem", line: 1, snippet: "" } as const;
  for (const path of [["certificates", 0, "cert"], ["listener", 0, "certificates", 0, "key"]]) {
    const entry = { path, line: 1, value } as unknown as Parameters<typeof entryFromFolder>[0];
    assertEquals(entryFromFolder(entry, { folder }).value, { ...value, text: "/start/a.pem" });
  }
});

Deno.test("handshakes are divided among threads", () => {
  const limits = { queue: 10, maxConnections: 0, tlsHandshakes: 3 };
  const shares = [0, 1].map((index) => shareOfLimits(limits, { index, number: 2 }).tlsHandshakes);
  assertEquals(shares, [2, 1]);
  assertEquals(shareOfLimits(limits, { index: 5, number: 8 }).tlsHandshakes, 1);
});
