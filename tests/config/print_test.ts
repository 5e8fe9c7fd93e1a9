import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fc } from "../support/properties.ts";
import type { ProgramConfig } from "../../src/config/config.ts";
import type { Option } from "../../src/config/option.ts";
import { keyOf, type OptionName, optionNames, OPTIONS } from "../../src/config/options.ts";
import { parseCommand } from "../../src/cli/command.ts";
import { configOfFile, printedFile } from "../support/config_file.ts";

/** Everything but what it was read from. */
function values({ settings, listeners }: ProgramConfig) {
  const program = optionNames("program").map((name) => [name, settings[name]]);
  return { program, listeners: listeners.map(({ texts: _, ...config }) => config) };
}

Deno.test("--print-config says where each value comes from", async () => {
  const printed = await printedFile(
    'workers = 4\nlisten = "8080"\ndestinations = [\n"9001",\n"9002"]\ndeny = ["::1"]\n',
    "--queue=5",
  );
  const lines = printed.split("\n");
  for (
    const line of [
      'listen = "8080"  # FILE:2',
      '  "9001",  # FILE:4',
      '  "9002",  # FILE:5',
      "workers = 4  # FILE:1",
      "queue = 5  # --queue",
      'queue-timeout = "30s"  # default',
      '  "::1",  # FILE:6',
      'admin = "off"  # default',
    ]
  ) assert(lines.includes(line), `${line}\nis not in\n${printed}`);
});

Deno.test("--print-config has every option, and those of the program only once", async () => {
  const two = ["8080", "8081"].map((listen) => {
    return `[[listener]]\nlisten = "${listen}"\ndestinations = ["9001"]\n`;
  });
  const printed = await printedFile(two.join(""));
  for (const name of optionNames()) {
    const times = printed.split("\n").filter((line) => line.startsWith(`${keyOf(name)} = `)).length;
    assertEquals(times, OPTIONS[name].scope === "program" ? 1 : 2, name);
  }
});

Deno.test("--print-config of as many listeners as there may be is not too long for a file", async () => {
  const some = Array.from({ length: 100 }, (_, i) => {
    return `[[listener]]\nlisten = "127.0.0.1:${20_000 + i}"\ndestinations = ["exec:/bin/cat"]\n`;
  });
  const printed = await printedFile(some.join(""));
  assert(printed.length * 10 < 4 * 1024 * 1024, `${printed.length} bytes`);
  assert(printed.split("\n").length * 10 < 100_000);
});

Deno.test("--print-config of a command line names its flags and addresses", async () => {
  const args = ["8080", "9001", "--deny", "::1", "--allow", "::/0", "--deny", "0.0.0.0/0"];
  const command = await parseCommand([...args, "--print-config"]);
  assert(command.kind === "print");
  assertStringIncludes(command.text, 'listen = "8080"  # command line\n');
  assertStringIncludes(command.text, '  "deny ::1",  # --deny\n  "allow ::/0",  # --allow\n');
  const served = await parseCommand(args);
  assert(served.kind === "serve");
  assertEquals(values(await configOfFile(command.text)), values(served.config));
});

Deno.test("--print-config keeps every character of a text", async () => {
  const path = `/a"\\\t\n\x7f\x01é語😀/'#`;
  const file = `access-log = ${JSON.stringify(path).replace("\x7f", "\\u007f")}
    listen = "1"\ndestinations = ["unix:/\\t#\\"x"]\n`;
  const config = await configOfFile(file);
  assertEquals(config.settings.accessLog, path);
  assertEquals(values(await configOfFile(await printedFile(file))), values(config));
});

/** Texts that an option takes: words, and numbers or times within its bounds. */
function textOf(name: OptionName): fc.Arbitrary<string> {
  const { notation = {}, parse }: Option<unknown> = OPTIONS[name];
  const more: Partial<Record<OptionName, string[]>> = {
    hashMask: ["24,56", "1,128"],
    fairMask: ["24,56", "1,128"],
    perIpMask: ["24,56", "1,128"],
    udpBuffer: ["16,256KiB,16MiB", "1,1KiB,1GiB"],
    priority: ["10.0.0.0/8,unix=0, ::1=3", "192.0.2.1/32=2"],
    check: ["http:/a?b#c", 'send:a\\,\\r\\n",expect:\\\\"', "expect:é"],
    accessLog: ["/var/log/x y", 'a"b', "\t"],
    admin: ["9090", "127.0.0.1:9090", "[::1]:0", "unix:/run/a"],
    socketMode: ["0660", "700"],
    umask: ["0027", "77"],
    syslogIdent: ["lb-1", "a[1]"],
    pidFile: ["/run/x y"],
    accessLogFormat: ["{time}\\t{queue:us}", '"{{{id}}}"'],
  };
  // Any other would have to be there.
  if (name.endsWith("TokenFile")) return fc.constant("none");
  // A pid file is needed to replace; as a daemon the logs cannot be what others may have.
  if (name === "daemon" || name === "replace") return fc.constant("false");
  // Not every number has a group.
  if (["user", "group", "socketOwner"].includes(name)) return fc.constantFrom("none", "root", "0");
  // Another one needs overflow = "reject".
  if (name === "maxWait") return fc.constant("0");
  const [min = 0, max = 0] = notation.integers ?? [];
  const texts = fc.oneof(
    fc.constantFrom(...(notation.words ?? []), ...(more[name] ?? []), "10ms", "1.5s", "007"),
    fc.integer({ min, max }).map(String),
    fc.integer({ min: 0, max: 1000 }).map((n) => `${n}ms`),
  );
  return texts.filter((text) => parse(text) !== undefined);
}

const networks = fc.constantFrom("10.0.0.0/8", "::1", "192.0.2.1,2001:db8::/32", "0.0.0.0/0");
const rules = fc.oneof(
  fc.array(fc.tuple(fc.constantFrom("allow", "deny"), networks), { maxLength: 5 })
    .map((list) => `rules = ${JSON.stringify(list.map((rule) => rule.join(" ")))}\n`),
  fc.array(networks).map((list) => `allow = ${JSON.stringify(list)}\n`),
  fc.tuple(networks, networks).map(([deny, allow]) => `deny = "${deny}"\nallow = "${allow}"\n`),
  fc.constant(""),
);

/** Some options that threads cannot get into the way of. */
function options(names: OptionName[]): fc.Arbitrary<string> {
  const free = names.filter((name) => {
    const { rule, single } = OPTIONS[name] as Option<unknown>;
    return !rule && !single && name !== "threads";
  });
  const one = fc.constantFrom(...free).chain((name) => {
    return textOf(name).map((text) => [keyOf(name), JSON.stringify(text)] as const);
  });
  return fc.uniqueArray(one, { selector: ([key]) => key, maxLength: 10 }).map((list) => {
    return list.map(([key, text]) => `${key} = ${text}\n`).join("");
  });
}

const destinations = fc.uniqueArray(fc.integer({ min: 1, max: 999 }), {
  minLength: 1,
  maxLength: 5,
})
  .chain((ports) => {
    const suffix = fc.constantFrom("", ",workers=3", ",weight=2,backup", ",workers=1,weight=256");
    return fc.tuple(...ports.map((port) => suffix.map((more) => `h${port}:${port}${more}`)));
  });
const listenerOptions = optionNames("listener");
const table = fc.tuple(destinations, options(listenerOptions), rules).map((parts) => {
  return `destinations = ${JSON.stringify(parts[0])}\n${parts[1]}${parts[2]}`;
});
const file = fc.oneof(
  fc.tuple(
    options(optionNames()).map((text) => text + 'listen = "0"\nname = "web"\n'),
    destinations,
    rules,
  )
    .map(([top, to, rules]) => `${top}destinations = ${JSON.stringify(to)}\n${rules}`),
  fc.tuple(options(optionNames()), rules, fc.array(table, { minLength: 1, maxLength: 4 }))
    .map(([top, rules, tables]) => {
      return top + rules + tables.map((text, i) => {
        const name = i % 2 === 0 ? "" : `name = "n${i}"\n`;
        return `[[listener]]\nlisten = "${1000 + i}"\n${name}${text}`;
      }).join("");
    }),
);
const flags = fc.array(
  fc.constantFrom("--workers=9", "--queue=3", "--deny=::1", "--allow=::/0", "--check=tcp"),
  { maxLength: 4 },
);

Deno.test("what --print-config prints is a file that says the same, and prints the same", async () => {
  await fc.assert(
    fc.asyncProperty(file, flags, async (text, flags) => {
      const printed = await printedFile(text, ...flags);
      const config = await configOfFile(text, ...flags);
      assertEquals(values(await configOfFile(printed)), values(config), printed);
      const again = await printedFile(printed);
      assertEquals(withoutComments(again), withoutComments(printed));
    }),
    { numRuns: 300 },
  );
});

function withoutComments(text: string): string {
  return text.replace(/ {2}# (?:FILE:\d+|--[a-z-]+|default)$/gm, "");
}
