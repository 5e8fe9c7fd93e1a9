// Destinations by the name in the hello: servers of nginx, each with a certificate of its own, and one
// client of a super-server.
import { assertEquals, assertMatch } from "@std/assert";
import { hello } from "../support/hellos.ts";
import { Program, programLine } from "../support/program.ts";
import { type RealServer, run, serve } from "../support/packaged_servers.ts";
import { bytes } from "../support/proxy_headers.ts";
import { answer, freePort, TestServer } from "../support/servers.ts";
import { TlsFiles } from "../support/tls_files.ts";
import { lacks } from "../support/tls_servers.ts";
import { unless } from "../support/unless.ts";

const NAMES = ["a", "b", "any"];

/** nginx with a port for each certificate, of which it tells. */
async function serveNames(files: TlsFiles): Promise<{ server: RealServer; ports: number[] }> {
  const ports = NAMES.map(() => freePort());
  const server = await serve("nginx", async ({ port, folder }) => {
    ports[0] = port;
    const servers = NAMES.map((name, i) =>
      `server { listen 127.0.0.1:${ports[i]} ssl http2;
        ssl_certificate ${files.cert(name)}; ssl_certificate_key ${files.key(name)};
        location / { return 200 "${name} $ssl_server_name $server_protocol"; } }`
    );
    await Deno.writeTextFile(
      `${folder}/nginx.conf`,
      `daemon off; master_process off; pid ${folder}/pid; error_log stderr;
events {}
http { access_log off; ${servers.join("\n")} }
`,
    );
    return ["-p", folder, "-c", `${folder}/nginx.conf`, "-e", "stderr"];
  });
  return { server, ports };
}

Deno.test({
  ...unless("curl and openssl find servers of nginx by name, and trust their certificates", {
    ...lacks("nginx"),
    ...lacks("curl"),
    ...lacks("openssl"),
  }),
  async fn() {
    using files = new TlsFiles();
    files.make("a", { san: "DNS:a.example" });
    files.make("b", { san: "DNS:b.example,DNS:*.b.example" });
    files.make("any", { san: "DNS:d.example,DNS:*.c.example" });
    const { server, ports: [a, b, any] } = await serveNames(files);
    await using _server = server;
    await using program = await Program.start([
      `127.0.0.1:${a},sni=a.example`,
      `127.0.0.1:${b},sni=b.example|*.b.example`,
      `127.0.0.1:${any}`,
    ]);
    const { port } = program;
    const get = (name: string, ...args: string[]) =>
      run("curl", [
        ...["-sS", "-m", "20", "--cacert", files.cert("ca"), ...args],
        ...["--resolve", `${name}:${port}:127.0.0.1`, `https://${name}:${port}/`],
      ]);
    const answers = await Promise.all([
      get("a.example", "--http1.1"),
      get("b.example"),
      get("x.b.example", "--tls-max", "1.2"),
      get("d.example"),
      get("y.c.example", "--http1.1"),
    ]);
    assertEquals(answers, [
      "a a.example HTTP/1.1",
      "b b.example HTTP/2.0",
      "b x.b.example HTTP/2.0",
      "any d.example HTTP/2.0",
      "any y.c.example HTTP/1.1",
    ]);
    for (const [name, subject] of [["A.Example", "a"], ["b.example", "b"], ["", "any"]] as const) {
      const shown = await run("openssl", [
        ...["s_client", "-connect", `127.0.0.1:${port}`, "-CAfile", files.cert("ca")],
        ...name ? ["-servername", name] : ["-noservername"],
        "-verify_return_error",
      ]);
      assertMatch(shown, new RegExp(`subject=CN ?= ?${subject}\\n`));
      assertMatch(shown, /Verification: OK/);
    }
  },
});

/** What one client of `iawlb -i` gets that sends this, and the exit status. */
async function ask(args: readonly string[], sent: Uint8Array, { ends = true } = {}) {
  const [program, ...line] = [...programLine(), "-i", ...args];
  const child = new Deno.Command(program!, {
    args: line,
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(sent);
  if (ends) await writer.close();
  const { code, stdout } = await child.output();
  if (!ends) await writer.close().catch(() => {});
  return { code, got: stdout };
}

Deno.test("one client of a super-server is greeted like any other", async () => {
  await using a = new TestServer(answer("a"));
  await using rest = new TestServer(async (conn) => {
    await conn.write(bytes("220 rest\r\n"));
  }, { speaksFirst: true });
  const named = hello({ names: ["a.example"] });
  const other = hello({ names: ["b.example"] });
  const only = [`${a.address},sni=a.example`];
  const both = [...only, rest.address, "--greeting-timeout", "100ms"];
  assertEquals(await ask(only, named), { code: 0, got: bytes("a") });
  assertEquals(await ask(only, other), { code: 1, got: bytes("\x15\x03\x03\0\x02\x02\x70") });
  assertEquals(await ask(both, other), { code: 0, got: bytes("220 rest\r\n") });
  assertEquals(await ask(both, bytes(""), { ends: false }), {
    code: 0,
    got: bytes("220 rest\r\n"),
  });
});
