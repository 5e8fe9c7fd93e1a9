import { assertEquals, assertMatch } from "@std/assert";
import { readDestination } from "../../src/config/destination_text.ts";
import { readSettings } from "../../src/config/options.ts";
import { programWarnings } from "../../src/config/program_warnings.ts";
import { configOfFile, problemsOfFile } from "../support/config_file.ts";
import { unless } from "../support/unless.ts";

const defaults = readSettings({});

function problems(text: string): string[] {
  const found: string[] = [];
  readDestination({ text, defaults }, (problem) => found.push(problem));
  return found;
}

async function warnings(...destinations: string[]): Promise<string[]> {
  const list = destinations.map((one) => `  ${JSON.stringify(one)},\n`).join("");
  const { warnings = [] } = await configOfFile(`listen = "7000"\ndestinations = [\n${list}]\n`);
  return warnings.map((line) => line.replace(/^\S*\.toml:/, "FILE:"));
}

Deno.test("a program that cannot be started is warned of before anybody comes, with its line", async () => {
  const script = await Deno.makeTempFile();
  await Deno.writeTextFile(script, "#!/bin/sh\r\necho\r\n");
  await Deno.chmod(script, 0o755);
  assertEquals(await warnings("exec:/bin/cat", "exec:/nowhere/x", "exec:/etc", `exec:${script}`), [
    'FILE:4: destinations "exec:/nowhere/x" cannot be started as it is: there is no such file',
    'FILE:5: destinations "exec:/etc" cannot be started as it is: it is no regular file',
    `FILE:6: destinations "exec:${script}" cannot be started as it is: its first line asks for ` +
    '"/bin/sh\\r", and there is no such file',
  ]);
  await Deno.remove(script);
  const many = await warnings(...Array.from({ length: 30 }, (_, i) => `exec:/nowhere/${i}`));
  assertEquals([many.length, many.at(-1)], [21, "further programs are not told about"]);
});

Deno.test("options behind the program are told to stand before it", async () => {
  for (const text of ["exec:/bin/cat,workers=4", "exec:cat,backup", "exec:/bin/cat,x=1,user=a"]) {
    const [line] = await warnings(text);
    assertMatch(line!, /; options of a program stand before exec:$/, text);
  }
  assertMatch((await warnings("exec:/bin/cat,9001"))[0]!, /there is no such file$/);
  const [argument] = await warnings("exec:/bin/cat -u,user=nobody");
  assertMatch(
    argument!,
    /has ",user=nobody" as the end of an argument; options of a program stand/,
  );
  assertEquals((await warnings("exec:/bin/cat -o user=x,rw=1")).length, 0);
  const [quoted] = await warnings("exec:'/bin/cat -u'");
  assertMatch(quoted!, /; its arguments are words of their own, and not in its quotes$/);
});

Deno.test("programs that do harm with pipes, or serve nobody, are refused", () => {
  const refused: Record<string, RegExp> = {
    "exec:/usr/bin/rsync --daemon": /must be rsync --server --daemon \.$/,
    "argv0=rsyncd,exec:rsync --daemon --no-detach": /is rsync --daemon, which goes into/,
    "exec:/usr/sbin/tcpd /usr/sbin/in.ftpd": /is tcpd, .* must be the program itself, with --allow/,
  };
  for (const [text, pattern] of Object.entries(refused)) {
    assertMatch(problems(text).join(), pattern);
  }
  for (const text of ["exec:rsync --server --daemon .", "exec:/x/mytcpd", "exec:tcpdump -i lo"]) {
    assertEquals(problems(text), []);
  }
});

Deno.test({
  ...unless("a program of another user needs a program that stays root, which is told at once", {
    "no root": Deno.uid() !== 0,
  }),
  async fn() {
    const file = (user: string) => {
      return `user = "${user}"\nlisten = "7000"\ndestinations = ["group=0,exec:cat"]\n`;
    };
    assertEquals(await problemsOfFile(file("nobody")), [
      'FILE:1: user "nobody": is not root, as whom alone "group=0,exec:cat" can be started as another ' +
      "user; must be none, or programs be without user and group",
    ]);
    assertEquals((await configOfFile(file("root"))).listeners.length, 1);
  },
});

Deno.test("what is meant as a program and is none is told how one is written", () => {
  const texts = [
    "/bin/cat",
    "./x",
    "exec=/bin/cat",
    "user=a exec:/bin/cat",
    "user=a;exec:/bin/cat",
  ];
  for (const text of texts) {
    assertMatch(
      problems(text).join(),
      /; a program is exec:PROGRAM ARGUMENTS, behind its options$/,
      text,
    );
  }
  assertMatch(problems("localhost").join(), /the name of a service$/);
  assertMatch(
    problems("usr=x,exec:cat").join(),
    /^has the unknown option "usr=x"; must be user=USER, group=GROUP, argv0=NAME, workers=/,
  );
  assertEquals(problems("usr=x,exec:cat").join().includes("send-proxy"), false);
});

Deno.test("process 1 is told that nobody takes care of what programs leave behind", async () => {
  const told = async (destination: string, pid: number) => {
    const config = await configOfFile(`listen = "7000"\ndestinations = ["${destination}"]\n`);
    return programWarnings(config, { options: {}, listeners: [] }, { pid }).length;
  };
  assertEquals([await told("exec:/bin/cat", 1), await told("exec:/bin/cat", 2)], [1, 0]);
  assertEquals(await told("9001", 1), 0);
});
