import { assert, assertEquals } from "@std/assert";
import { Ajv2020 } from "ajv/2020";
import { getStaticTOMLValue, parseTOML } from "toml-eslint-parser";
import { configSchema } from "../../src/config/schema.ts";
import { parseCommand } from "../../src/cli/command.ts";
import type { Option } from "../../src/config/option.ts";
import { keyOf, optionNames, OPTIONS } from "../../src/config/options.ts";
import { printedFile } from "../support/config_file.ts";

const PACKAGING = new URL("../../packaging/", import.meta.url);
const EXAMPLE = new URL("iawlb.toml", PACKAGING).pathname;

const { $schema: _, ...schema } = configSchema();
const validate = new Ajv2020({ strict: false }).compile(schema);

/** Whether an editor finds nothing wrong with a file. */
function accepts(toml: string): boolean {
  return validate(getStaticTOMLValue(parseTOML(toml)));
}

const example = await Deno.readTextFile(EXAMPLE);
/** The example with all the options that it only names. */
const complete = example.replace(/^#(?=[a-z])/gm, "");
/** What the example sets to something else than the default. */
const CHOSEN: Readonly<Record<string, string>> = {
  admin: "unix:/run/iawlb/admin.sock",
  halfClose: "abandon",
};
const ADDRESSES = 'listen = "8080"\ndestinations = ["9001"]\n';

Deno.test("the schema in packaging is that of the program: deno task docs writes it", async () => {
  const text = await Deno.readTextFile(new URL("iawlb.schema.json", PACKAGING));
  assertEquals(JSON.parse(text), JSON.parse(JSON.stringify(configSchema())));
});

Deno.test("the example is fine", async () => {
  assertEquals(await parseCommand(["--config", EXAMPLE, "--check-config"]), {
    kind: "print",
    text: `${EXAMPLE} is fine: 1 listener, 2 destinations`,
  });
  assert(accepts(example));
});

Deno.test("the example names every option with its default, or with what most servers do best with", async () => {
  for (const name of optionNames()) {
    const option: Option<unknown> = OPTIONS[name];
    const text = CHOSEN[name] ?? option.format(option.default);
    const value = name === "allow" || name === "deny" ? "[]" : `"${text}"`;
    const lines = complete.split("\n");
    const line = lines.find((line) => line.startsWith(`${keyOf(name)} = `)) ?? keyOf(name);
    assert([value, value.replaceAll('"', "")].includes(line.split(" = ")[1]!), line);
  }
  const printed = (text: string) => printedFile(text).then((text) => text.replace(/ {2}# .*/g, ""));
  assertEquals(await printed(complete), await printed(example));
  assert(accepts(complete));
});

Deno.test("the tables that the example shows are fine, too", async () => {
  const tables = /^# \[\[listener\]\][^]*/m.exec(example)![0].replace(/^# ?/gm, "");
  assert(accepts(tables));
  await printedFile(tables);
});

Deno.test("the schema accepts what the program prints", async () => {
  assert(accepts(await printedFile(ADDRESSES)));
  assert(accepts(
    await printedFile(`[[listener]]\n${ADDRESSES}[[listener]]\nlisten = "1"
    destinations = [9001]\nrules = ["deny ::1", "allow ::/0", "deny 0.0.0.0/0"]`),
  ));
});

Deno.test("the schema accepts destinations in all their forms, and ports by name", async () => {
  const file = `listen = ":http"\nadmin = "localhost:https"\nlog = "syslog:udp:loghost:syslog"
    destinations = ["dns.:53", "9001,check=send:a\\\\,expect:b,workers=4", "localhost:echo", 9002,
      "dns:web.example:http,workers=4", "srv:_web._tcp.example,name=web",
      { address = "dns:web2.example:8080", backup = true }, { address = "srv:web3.example" }, "unix:/a\\\\,b,backup",
      { address = 9003, workers = "4", check = "send:a,expect:b", backup = true },
      { address = "unix:/c\\\\,d", check = "off", weight = 2 },
      { address = 9004, sni = ["a.example", "*.a.example"], alpn = ["h2"] }, "9005,sni=a|*,alpn=h2",
      { address = 9006, sni = "a|b", alpn = "none" }]`;
  assert(accepts(file));
  await printedFile(file);
});

Deno.test("the schema accepts listeners and destinations of UDP", async () => {
  const file = `listen = "udp:domain"\ncheck = "dns:example.org"\nudp-buffer = "1,64KiB,1MiB"
    destinations = ["udp:5353", "udp:10.0.0.7:domain,check=udp:send:a\\\\,expect:b,workers=4",
      { address = "udp:[::1]:54", check = "udp:send:a,expect:b" }]`;
  assert(accepts(file));
  await printedFile(file);
});

const BAD = {
  "a table without an address": "listen = 1\ndestinations = [{ workers = 4 }]",
  "an unknown key of a table": "listen = 1\ndestinations = [{ address = 2, worker = 4 }]",
  "a list of no names": "listen = 1\ndestinations = [{ address = 2, sni = [1] }]",
  "a mark that is a text": 'listen = 1\ndestinations = [{ address = 2, backup = "yes" }]',
  "options in the address of a table": 'listen = 1\ndestinations = [{ address = "2,backup" }]',
  "an unknown key": `${ADDRESSES}wokers = 1`,
  "a name without a port": 'listen = 1\ndestinations = ["dns:web.example"]',
  "a service with a port": 'listen = 1\ndestinations = [{ address = "srv:web.example:80" }]',
  "a number out of bounds": `${ADDRESSES}workers = 0`,
  "a text for a number": `${ADDRESSES}workers = "many"`,
  "a float": `${ADDRESSES}workers = 1.5`,
  "a boolean": `${ADDRESSES}keepalive = true`,
  "a word that is none": `${ADDRESSES}overflow = "drop"`,
  "a time without unit": `${ADDRESSES}queue-timeout = "5"`,
  "a time as a number": `${ADDRESSES}queue-timeout = 5`,
  "an interval of 0": `${ADDRESSES}check-interval = 0`,
  "a check that is none": `${ADDRESSES}check = "https:/"`,
  "networks that are none": `${ADDRESSES}allow = ["example.org"]`,
  "rules beside allow": `${ADDRESSES}allow = ["::1"]\nrules = []`,
  "a rule that is none": `${ADDRESSES}rules = ["permit ::1"]`,
  "a reserved word for the host of a listener": 'listen = "dns:53"\ndestinations = ["9001"]',
  "a reserved word for the host of a destination": 'listen = "1"\ndestinations = ["exec:53"]',
  "a reserved word for the host of a table": 'listen = 1\ndestinations = [{ address = "exec:53" }]',
  "a reserved word for the host of the admin API": `${ADDRESSES}admin = "exec:53"`,
  "a reserved word for the host of a syslog": `${ADDRESSES}log = "syslog:dns:53"`,
  "a name that all listeners would have":
    `name = "web"\n[[listener]]\n${ADDRESSES}[[listener]]\nlisten = "1"\ndestinations = [2]`,
  "a name that is none": `name = "all"\n${ADDRESSES}`,
  "a name of a destination that is none":
    'listen = "1"\ndestinations = [{ address = 2, name = "2" }]',
  "no listen": 'destinations = ["9001"]',
  "no destinations": 'listen = "8080"',
  "an empty list of destinations": 'listen = "8080"\ndestinations = []',
  "a text for destinations": 'listen = "8080"\ndestinations = "9001"',
  "an option of a destination that is none": 'listen = 1\ndestinations = ["9001,slow"]',
  "an empty file": "",
  "an empty path": `${ADDRESSES}access-log = ""`,
  "a listener beside listeners": `${ADDRESSES}[[listener]]\n${ADDRESSES}`,
  "a single table of a listener": `[listener]\n${ADDRESSES}`,
  "a listener without addresses": "[[listener]]",
  "an option of the program in a listener": `[[listener]]\n${ADDRESSES}log-level = "info"`,
};

for (const [name, toml] of Object.entries(BAD)) {
  Deno.test(`schema and program refuse ${name}`, async () => {
    assert(!accepts(toml));
    const error = await printedFile(toml).then(() => undefined, (error) => error);
    assertEquals(error?.name, "UsageError");
  });
}
