import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { UsageError } from "../../src/base/errors.ts";
import { readListener } from "../../src/config/config.ts";
import { type ConfiguredDestination, isTemplate } from "../../src/config/destination_text.ts";
import { destinationDifference } from "../../src/config/differences.ts";
import { checkTlsOut } from "../../src/config/tls_out_rules.ts";
import { nameAt, termsOf } from "../../src/config/tls_out_terms.ts";
import { recordConfig } from "../../src/destinations/discovery/record_config.ts";
import { configOfFile, printedFile, problemsOfFile } from "../support/config_file.ts";
import { TlsFiles } from "../support/tls_files.ts";
import { unless } from "../support/unless.ts";

const NEEDS = { "there is no openssl": !TlsFiles.isPossible };

function read(...destinations: string[]) {
  return readListener({ listen: "8080", destinations, options: {}, rules: [] });
}

function problemOf(destination: string, listen = "8080"): string {
  const error = assertThrows(
    () => readListener({ listen, destinations: [destination], options: {}, rules: [] }),
    UsageError,
  );
  assert(!error.message.includes("\n"), error.message);
  return error.message;
}

function nameOf(one: ConfiguredDestination): string {
  return termsOf(one, nameAt(isTemplate(one) ? one.lookup : one.address)).name;
}

Deno.test("the name of a certificate is that of the address, unless another one is given", () => {
  const { configured } = read(
    ...["443,tls", "App.Example:443,tls", "10.0.0.1:443,tls", "[2001:db8::1]:443,tls"],
    ...["dns:app.example.:443,tls", "srv:_https._tcp.app.example,tls"],
    ...["unix:/run/x,tls,tls-name=x", "10.0.0.2:443,tls,tls-name=Other.Example."],
  );
  assertEquals(configured.map(nameOf), [
    ...["localhost", "app.example", "10.0.0.1", "2001:db8::1"],
    ...["app.example", "app.example", "x", "other.example"],
  ]);
});

Deno.test("what a name leads to has to be the one that was asked for", () => {
  const { configured: [template] } = read("srv:_https._tcp.app.example,tls");
  assert(template && isTemplate(template));
  const found = { hostname: "10.0.0.9", port: 8443, weight: 1, tier: 0 };
  const options = { texts: {}, transport: "tcp", admin: "ready" } as const;
  assertEquals(nameOf(recordConfig(template, found, options)), "app.example");
  // Also where the operator has turned it on for one of them alone.
  const { configured: [plain] } = read("dns:app.example:443");
  assert(plain && isTemplate(plain));
  const one = recordConfig(plain, found, { ...options, texts: { tls: "true" } });
  assertEquals([one.tls, nameOf(one)], [true, "app.example"]);
});

Deno.test("what TLS has nothing to do with is refused in one line", () => {
  for (
    const [destination, problem, listen] of [
      ["tls,exec:/bin/cat", /has tls, which is nothing for a program; must be without/],
      ["service:echo,tls", /has tls, which is nothing for a service of this program/],
      ["service:echo,tls-name=x", /has tls-name, which is nothing for a service/],
      ["udp:9001,tls", /datagrams have no TLS; tls must be left out for UDP/, "udp:53"],
      ["dns:x.example:53,tls", /datagrams have no TLS/, "udp:53"],
      ["unix:/run/x,tls", /has tls and no name .* must have tls-name=NAME/],
      ["9001,tls-name=x", /has tls-name without tls, so nothing would be encrypted/],
      ["9001,tls-insecure", /has tls-insecure without tls, so nothing would be encrypted/],
      ["9001,tls=maybe", /tls "maybe" must be true or false/],
      ["9001,tls,tls-name=a b", /tls-name "a b" must be none, a host name or an IP address/],
      ["9001,tls,tls-ca=", /tls-ca "" must be none, or the path of a PEM file/],
      ["9001,tls,tls-ca=/none", /tls-ca "\/none" cannot be read: there is no such file/],
      ["9001,tls,tls-ca=/dev/null", /tls-ca "\/dev\/null" cannot be read/],
      ["9001,tls,tls-ca=/etc/passwd", /tls-ca "\/etc\/passwd" has no -----BEGIN CERTIFICATE/],
      ["9001,tls,tls-key=/etc/passwd", /tls-key "\/etc\/passwd" has no -----BEGIN PRIVATE KEY/],
    ] as const
  ) {
    assertMatch(problemOf(destination, listen), problem);
  }
});

Deno.test(unless("certificates and keys have to belong together", NEEDS), () => {
  using files = new TlsFiles();
  files.make("one");
  files.make("two");
  const [cert, key, other] = [files.cert("one"), files.key("one"), files.key("two")];
  assertMatch(problemOf(`9001,tls,tls-cert=${cert}`), /tls-cert without a key in its file/);
  assertMatch(
    problemOf(`9001,tls,tls-cert=${cert},tls-key=${other}`),
    /has a tls-key that is not that of the certificate/,
  );
  files.make("odd", { curve: "secp256k1" });
  assertMatch(
    problemOf(`9001,tls,tls-cert=${files.cert("odd")},tls-key=${files.key("odd")}`),
    /has a tls-key that is of a kind that cannot be served; must be RSA of 2048/,
  );
  assertMatch(problemOf(`9001,tls,tls-key=${key}`), /has tls-key without tls-cert/);
  assertMatch(
    problemOf(`9001,tls,tls-insecure,tls-ca=${cert}`),
    /has tls-insecure, which verifies nothing, and tls-ca; must have one of them/,
  );
  const both = `${files.folder}/both.pem`;
  Deno.writeTextFileSync(both, Object.values(files.pair("one")).join("\n"));
  const { configured: [one] } = read(`9001,tls,tls-ca=${cert}`);
  const problems = (options: object, version: string) => {
    const told: string[] = [];
    checkTlsOut({ ...one!, ...options }, { report: (problem) => told.push(problem), version });
    return told;
  };
  const own = { path: both, text: Deno.readTextFileSync(both) };
  assertEquals(problems({ "tls-cert": own }, "2.8.0"), []);
  assertMatch(
    problems({ "tls-cert": own }, "2.7.11").join(),
    /has tls-cert, which needs Deno 2\.8/,
  );
  const none = { path: "", text: "" };
  const insecure = { "tls-insecure": true, "tls-ca": none };
  assertEquals(problems(insecure, "2.9.6"), []);
  assertMatch(problems(insecure, "2.7.11").join(), /has tls-insecure, which needs Deno 2\.8/);
});

Deno.test(unless("other contents of a file are a difference, and so is TLS itself", NEEDS), () => {
  using files = new TlsFiles();
  const text = `9001,tls,tls-ca=${files.cert("ca")}`;
  const before = read(text);
  files.make("ca", { by: "ca", authority: true });
  const after = read(text);
  const plain = read("9001");
  const changes = (one: typeof before, other: typeof before) => {
    const listener = { before: one, after: other };
    return destinationDifference(one.configured[0], other.configured[0], listener);
  };
  assertEquals(changes(before, before), []);
  assertMatch(changes(before, after).join(), /tls-ca .*ca\.pem \(\w{8}\) → .*ca\.pem \(\w{8}\)$/);
  assertMatch(changes(plain, after).join(";"), /tls false → true;.*tls-ca none → /);
});

Deno.test(unless("files and tables say it as texts do", NEEDS), async () => {
  using files = new TlsFiles();
  const ca = files.cert("ca");
  const content = `[[listener]]
listen = "127.0.0.1:8080"
destinations = [
  { address = "10.0.0.1:443", tls = true, tls-name = "a.example", tls-ca = "${ca}" },
  "10.0.0.2:443,tls",
]
`;
  const { listeners: [listener] } = await configOfFile(content);
  assertEquals(listener!.configured.map((one) => [one.tls, one["tls-name"], one["tls-ca"].path]), [
    [true, "a.example", ca],
    [true, "", ""],
  ]);
  const printed = await printedFile(content);
  assert(printed.includes(`10.0.0.1:443,tls,tls-name=a.example,tls-ca=${ca}`), printed);
  const problems = await problemsOfFile(content.replace("tls = true", "tls = 1"));
  assertMatch(problems.join("\n"), /destinations\.tls/);
});

Deno.test(
  unless("what is dangerous, or was most likely not meant, is said at the start", NEEDS),
  async () => {
    using files = new TlsFiles();
    files.make("self", { by: "self", authority: true });
    files.make("old", { expired: true });
    const { warnings = [] } = await configOfFile(`listen = "127.0.0.1:8080"
destinations = [
  "localhost:1,tls,tls-ca=${files.cert("self")}",
  "localhost:2,tls,tls-ca=${files.cert("old")}",
  "localhost:3,tls,tls-ca=${files.cert("ca")}",
]`);
    assertMatch(warnings[0]!, /localhost:1.* has a tls-ca that is marked as an authority/);
    assertMatch(warnings[1]!, /localhost:2.* has a tls-ca that has expired, on 2021-01-01/);
    assertEquals(warnings.length, 2);
  },
);
