import { assertEquals, assertStringIncludes } from "@std/assert";
import { readSettings } from "../../../src/config/options.ts";
import { Certificates } from "../../../src/balancer/tls/certificates.ts";
import { Authority, hasOpenssl } from "../../support/authority.ts";
import { collectedLog } from "../../support/logs.ts";
import { unless } from "../../support/unless.ts";

/** The certificates of a listener with a pair for one.example, and what the log is told of them. */
function served(authority: Authority) {
  const file = `${authority.folder}/served`;
  const { cert, key } = authority.issue({ file, names: ["one.example"] });
  const { log, lines } = collectedLog();
  const settings = readSettings({ tlsCert: cert, tlsKey: key });
  return { file, cert, key, lines, certificates: new Certificates({ settings, log, tells: true }) };
}

Deno.test({
  ...unless("files that change are served anew, and bad ones change nothing", {
    "there is no openssl": !hasOpenssl,
  }),
  async fn() {
    using authority = new Authority();
    const { file, cert, key, certificates, lines } = served(authority);
    const [one] = certificates.all;
    const look = async () => {
      await certificates.look();
      return one!.names.join();
    };
    assertEquals(await look(), "one.example");
    const first = certificates.portOf(one!);
    authority.issue({ file, names: ["two.example"] });
    assertEquals(await look(), "two.example");
    assertEquals(certificates.find("two.example"), one);
    assertEquals(certificates.portOf(one!) === first, false);
    assertStringIncludes(lines.at(-1)!, `${cert} has changed: for two.example until 2`);
    // Half of a new pair may become a whole one in a moment.
    const other = authority.issue({ names: ["three.example"] });
    Deno.copyFileSync(other.cert, cert);
    assertEquals(await look(), "two.example");
    assertEquals(lines.length, 1);
    Deno.copyFileSync(other.key, key);
    assertEquals(await look(), "three.example");
    assertEquals(lines.length, 2);
    // What stays bad is said once.
    Deno.removeSync(key);
    for (let i = 0; i < 4; i++) assertEquals(await look(), "three.example");
    assertEquals(lines.length, 3);
    assertStringIncludes(
      lines[2]!,
      `is no good, the one before it stays: ${key} cannot be read: there is no such file`,
    );
    Deno.copyFileSync(other.key, key);
    assertEquals(await look(), "three.example");
    // A few days before its end that is said as well.
    authority.issue({ file, names: ["four.example"], days: 3 });
    assertEquals(await look(), "four.example");
    assertStringIncludes(lines.at(-1)!, `certificate ${cert} ends in 2 days, at 2`);
    await look();
    assertEquals(lines.length, 5);
    certificates.close();
  },
});

Deno.test({
  ...unless("good files count as soon as the machine has again what it takes to serve them", {
    "there is no openssl": !hasOpenssl,
  }),
  async fn() {
    using authority = new Authority();
    const { file, certificates, lines } = served(authority);
    await certificates.look();
    authority.issue({ file, names: ["two.example"] });
    const { listenTls } = Deno;
    Deno.listenTls = () => {
      throw new Error("Too many open files (os error 24)");
    };
    try {
      for (let i = 0; i < 3; i++) await certificates.look();
    } finally {
      Deno.listenTls = listenTls;
    }
    assertEquals(lines.length, 1);
    await certificates.look();
    assertEquals(certificates.find("two.example").names, ["two.example"]);
    certificates.close();
  },
});
