import { assertEquals } from "@std/assert";
import { inetdReader } from "../../../src/config/inetd/file.ts";
import { inetdConfig } from "../../../src/config/inetd/listeners.ts";
import type { ConfigFlags } from "../../../src/config/parse.ts";
import { ConfigProblems } from "../../../src/config/problems.ts";
import type { ListenerSource } from "../../../src/config/source.ts";

const NO_FLAGS: ConfigFlags = { options: {}, rules: [] };

function read(
  text: string,
  flags = NO_FLAGS,
): { listeners: readonly ListenerSource[]; problems: string[] } {
  const problems = new ConfigProblems("inetd.conf");
  const { source } = inetdConfig(text, { file: "inetd.conf", flags, problems });
  const lines = [...problems.lines].sort(([, one], [, other]) => one - other);
  return { listeners: source.listeners, problems: lines.map(([line]) => line) };
}

/** Addresses and destinations of a file without problems. */
function leads(text: string): string[] {
  const { listeners, problems } = read(text);
  assertEquals(problems, []);
  return listeners.map(({ listen, destinations }) => `${listen!.text} ${destinations[0]!.text}`);
}

function problemOf(line: string): string {
  const { problems } = read(line);
  assertEquals(problems.length, 1, problems.join("\n"));
  return problems[0]!;
}

Deno.test("a line of inetd.conf is a listener with a program behind it", () => {
  assertEquals(
    leads("finger stream tcp nowait nobody /usr/sbin/in.fingerd in.fingerd -w"),
    ["finger user=nobody,exec:/usr/sbin/in.fingerd -w"],
  );
});

Deno.test("what inetd does itself is a service of this program", () => {
  const services = ["echo", "discard", "chargen", "daytime", "time"];
  assertEquals(
    leads(services.map((name) => `${name} stream tcp nowait root internal\n`).join("")),
    services.map((name) => `${name} service:${name}`),
  );
  const { listeners: [udp] } = read("echo dgram udp wait root internal");
  assertEquals(udp!.listen, { text: "udp:echo", line: 1 });
  assertEquals(udp!.options, { udpAnswers: { text: "1", line: 1 } });
});

Deno.test("comments, empty lines, tabs and lines that go on are as inetd has them", () => {
  const text = [
    "# /etc/inetd.conf:  see inetd(8) for further informations.",
    "#<off># netbios-ssn\tstream\ttcp\tnowait\troot\t/usr/sbin/tcpd\t/usr/sbin/smbd",
    "",
    " \t ",
    "7001\tstream\ttcp\tnowait\troot\t/bin/one\tone",
    "\t-a",
    "",
    "  7002 stream tcp nowait root /bin/two\r",
    "# between",
    "  7003 stream tcp nowait root /bin/three",
  ].join("\n");
  assertEquals(leads(text), [
    "7001 user=root,exec:/bin/one -a",
    "7002 user=root,exec:/bin/two",
    "7003 user=root,exec:/bin/three",
  ]);
});

Deno.test("each address before the service is a listener, and HOST: alone is for those after it", () => {
  const text = [
    "127.0.0.1,[::1]:7001 stream tcp nowait root /bin/a",
    "192.0.2.1:",
    "7002 stream tcp nowait root /bin/b",
    ":7003 stream tcp nowait root /bin/c",
    "*:",
    "7004 stream tcp nowait root /bin/d",
    "[::1]:7005 stream tcp6 nowait root /bin/e",
    "::1:7006 stream tcp nowait root /bin/f",
    "host.example:7007 stream tcp nowait root /bin/g",
  ].join("\n");
  assertEquals(leads(text), [
    "127.0.0.1:7001 user=root,exec:/bin/a",
    "[::1]:7001 user=root,exec:/bin/a",
    "192.0.2.1:7002 user=root,exec:/bin/b",
    "7003 user=root,exec:/bin/c",
    "7004 user=root,exec:/bin/d",
    "[::1]:7005 user=root,exec:/bin/e",
    "[::1]:7006 user=root,exec:/bin/f",
    "host.example:7007 user=root,exec:/bin/g",
  ]);
});

Deno.test("lines for IPv4 and IPv6 of the same service are one listener", () => {
  const [four, six] = ["4", "6"].map((n) => `echo stream tcp${n} nowait root internal\n`);
  assertEquals(leads(four + six!), ["echo service:echo"]);
  assertEquals(leads(four!), ["0.0.0.0:echo service:echo"]);
  assertEquals(leads("echo stream tcp46 nowait root internal"), ["echo service:echo"]);
  const { listeners: [alone] } = read(six!);
  assertEquals(alone!.listen!.text, "[::]:echo");
  // The socket takes IPv4 as well.
  assertEquals(alone!.rules, [{ verdict: "deny", text: "0.0.0.0/0", line: 1 }]);
  const { problems } = read(`${four}echo stream tcp6 nowait root /bin/cat`);
  assertEquals(
    problems[0]!.slice(0, 77),
    "inetd.conf:2: echo: is another service than the one of the same port in line ",
  );
});

Deno.test("a socket of the file system is a listener as well", () => {
  assertEquals(leads("/run/a:b.sock stream unix nowait root /bin/cat"), [
    "unix:/run/a:b.sock user=root,exec:/bin/cat",
  ]);
});

Deno.test("how often a program is started has the limit that inetd has", () => {
  const guardOf = (waiting: string) => {
    const { listeners: [one], problems } = read(`7001 stream tcp ${waiting} root /bin/cat`);
    assertEquals(problems, []);
    return [one!.options.rateGuard?.text, one!.destinations[0]!.text, one!.options.maxPerIp?.text];
  };
  const plain = "user=root,exec:/bin/cat";
  assertEquals(guardOf("nowait"), ["256/1m/10m", plain, undefined]);
  assertEquals(guardOf("nowait.40"), ["40/1m/10m", plain, undefined]);
  assertEquals(guardOf("nowait:40"), ["40/1m/10m", plain, undefined]);
  assertEquals(guardOf("nowait.5.40"), [
    "40/1m/10m",
    "user=root,workers=5,exec:/bin/cat",
    undefined,
  ]);
  assertEquals(guardOf("nowait/5"), ["256/1m/10m", "user=root,workers=5,exec:/bin/cat", undefined]);
  assertEquals(guardOf("nowait/0/0/3"), ["256/1m/10m", plain, "3"]);
  const { listeners: [internal] } = read("echo stream tcp nowait root internal");
  assertEquals(internal!.options, {});
});

Deno.test("owners have groups, and programs names and words of their own", () => {
  assertEquals(
    leads("7001 stream tcp nowait www-data.nogroup /bin/cat cat a'b \\c $HOME x,y"),
    [
      "user=www-data,group=nogroup,exec:/bin/cat 'a'\\''b' '\\c' '$HOME' x,y",
    ].map((text) => `7001 ${text}`),
  );
  assertEquals(leads("7001 stream tcp nowait a:b /bin/busybox /usr/sbin/in.ftpd -l"), [
    "7001 user=a,group=b,argv0=/usr/sbin/in.ftpd,exec:/bin/busybox -l",
  ]);
});

Deno.test("flags count for all lines", () => {
  const flags: ConfigFlags = {
    options: { rateGuard: { text: "off" } },
    rules: [{ verdict: "allow", text: "10.0.0.0/8" }],
  };
  const { listeners: [one] } = read("echo stream tcp6 nowait.3 root internal", flags);
  assertEquals(one!.options, { rateGuard: { text: "off" } });
  assertEquals(one!.rules.map(({ verdict }) => verdict), ["deny", "allow"]);
});

Deno.test("every line that cannot be had is refused with its number and the reason", () => {
  const { problems } = read([
    "tftp dgram udp wait root /usr/sbin/in.tftpd in.tftpd /srv/tftp",
    "amanda stream tcp wait backup /usr/lib/amanda/amandad amandad",
    "rusersd/1-3 dgram rpc/udp wait root /usr/lib/rpc.rusersd rpc.rusersd",
    "tcpmux/+date stream tcp nowait guest /bin/date date",
    "  # no comment",
    "ftp stream tcp,rcvbuf=64k nowait root /usr/sbin/in.ftpd",
    "finger stream tcp nowait",
    "finger stream tcp nowait nobody /usr/sbin/tcpd /usr/sbin/in.fingerd -w",
  ].join("\n"));
  assertEquals(problems.map((text) => Number(/^inetd.conf:(\d+): /.exec(text)![1])), [
    ...[1, 2, 3, 4, 5, 6, 7, 8],
  ]);
  const words = /runtime|portmapper|TCPMUX|column|user is|program itself \(.*\)/;
  assertEquals(problems.map((text) => words.exec(text)![0]), [
    "runtime",
    "runtime",
    "portmapper",
    "TCPMUX",
    "column",
    "runtime",
    "user is",
    "program itself (/usr/sbin/in.fingerd)",
  ]);
});

Deno.test("a field that is wrong says what it must be", () => {
  const lines: [string, string][] = [
    ["x strem tcp nowait root internal", "the nearest is stream"],
    ["x stream tcq nowait root internal", "the nearest is tcp"],
    ["x stream udp nowait root internal", "must be dgram, for the protocol udp"],
    ["x dgram tcp nowait root internal", "must be stream, for the protocol tcp"],
    ["x raw tcp nowait root internal", "must be stream or dgram"],
    ["/x dgram unix nowait root internal", "told apart"],
    ["x stream unix nowait root internal", "must be the path of the socket"],
    ["x stream tcp nowait root internal", "must be the path of a program, or the service one of"],
    ["x stream tcp nowait root cat cat", "must be the path of a program, or internal"],
    ["x stream tcp now root /bin/cat", "must be nowait"],
    ["x stream tcp nowait.0 root /bin/cat", "from 1 to 1000000"],
    ["x stream tcp nowait.1.2.3 root /bin/cat", "must be nowait"],
    ["x stream tcp nowait.many root /bin/cat", "must be a whole number"],
    ["x stream tcp nowait/1/60 root /bin/cat", "--rate-per-ip"],
    ["x stream tcp nowait root.a.b/c /bin/cat", "must be without"],
    ["x stream tcp nowait .g /bin/cat", "must be USER"],
    ["[::1]:x stream tcp4 nowait root /bin/cat", "no address of IPv4"],
    ["1.2.3.4:x stream tcp6 nowait root /bin/cat", "no address of IPv6"],
    ["localhost:x stream tcp4 nowait root /bin/cat", "must be an IP address"],
    ["1.2.3.4: stream tcp nowait root /bin/cat", "must name a service"],
    ["\x1b[31mx stream tcp nowait root /bin/cat", 'inetd.conf:1: "\\u001b[31mx": has a character'],
  ];
  for (const [line, expected] of lines) {
    const problem = problemOf(line);
    assertEquals(problem.includes(expected), true, `${line}\n${problem}`);
  }
  assertEquals(read("# nothing\n").problems, [
    "inetd.conf: has no service; must have one or more lines that are no comments",
  ]);
});

Deno.test("comments may be in any encoding, services may not", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/inetd.conf`;
    // As ISO 8859-1 has it.
    const text = "# für später\n7001 stream tcp nowait root /bin/echo echo ok\n";
    const write = (text: string) => {
      return Deno.writeFile(path, Uint8Array.from(text, (character) => character.charCodeAt(0)));
    };
    await write(text);
    const read = inetdReader(path, NO_FLAGS);
    assertEquals((await read()).problems.lines, []);
    await write(`${text}7002 stream tcp nowait root /bin/echo echo größer\n`);
    assertEquals((await read()).problems.lines, [[`${path}:3: is no text in UTF-8`, 3]]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
