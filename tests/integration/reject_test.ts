import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Program, runProgram } from "../support/program.ts";
import { Client, pathOf } from "../support/real_servers.ts";
import { readAll, TestServer, tryClose, until, writeAll } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

const EXAMPLES = new URL("../../examples/", import.meta.url).pathname;

/** Runs a client against a program with an answer of the examples whose slots are all taken. */
async function rejected(
  options: { answer: string; client: string; args: (port: number) => string[]; more?: string[] },
): Promise<{ code: number; text: string }> {
  const { answer, client, args, more = ["--overflow", "reject", "--queue", "1"] } = options;
  await using server = new TestServer(async (conn) => void await readAll(conn));
  await using program = await Program.start([server.address], [
    ...["--workers", "1", "--reject-with", EXAMPLES + answer],
    ...more,
  ]);
  const conns: Deno.TcpConn[] = [];
  const places = more.includes("reject") ? 2 : 1;
  for (let i = 0; i < places; i++) {
    const conn = await Deno.connect({ port: program.port });
    conns.push(conn);
    await writeAll(conn, new Uint8Array(1));
  }
  await until(async () => {
    const { active, waiting } = await program.status();
    return active + waiting === places;
  }, "the slot, and the place in the queue, are taken");
  await using process = new Client(pathOf(client)!, args(program.port));
  const result = await process.ended();
  await until(async () => (await program.status()).answered >= 1, "it is known to be answered");
  for (const conn of conns) conn.close();
  return result;
}

const HTTP = {
  answer: "reject-http",
  client: "curl",
  args: (port: number) => ["-sS", "-i", "-m", "10", `http://127.0.0.1:${port}/`],
};

for (const [name, more] of [["a full queue", undefined], ["a queue timeout", "100ms"]] as const) {
  Deno.test(
    unless(`curl gets a 503 from ${name}`, { "there is no curl": !pathOf("curl") }),
    async () => {
      const { code, text } = await rejected({
        ...HTTP,
        ...more && { more: ["--queue-timeout", more] },
      });
      assertEquals(code, 0, text);
      assertMatch(text, /^HTTP\/1\.1 503 Service Unavailable/);
      assertStringIncludes(text, "The service is busy. Please try again in a moment.");
    },
  );
}

Deno.test(
  unless("curl that sends a lot gets its 503, too", { "there is no curl": !pathOf("curl") }),
  async () => {
    const body = await Deno.makeTempFile();
    await Deno.writeFile(body, new Uint8Array(300_000));
    try {
      const { text } = await rejected({
        ...HTTP,
        args: (port) => [...HTTP.args(port), "-H", "Expect:", "--data-binary", `@${body}`],
      });
      assertMatch(text, /^HTTP\/1\.1 503 /);
    } finally {
      await Deno.remove(body);
    }
  },
);

Deno.test(
  unless("redis-cli shows the error", { "there is no redis-cli": !pathOf("redis-cli") }),
  async () => {
    const { text } = await rejected({
      answer: "reject-redis",
      client: "redis-cli",
      args: (port) => ["-p", `${port}`, "PING"],
    });
    assertStringIncludes(text, "ERR the server is busy, please try again");
  },
);

Deno.test(
  unless("psql shows the error", { "there is no psql": !pathOf("psql") }),
  async () => {
    const { code, text } = await rejected({
      answer: "reject-postgres",
      client: "psql",
      args: (port) => [
        `host=127.0.0.1 port=${port} user=u dbname=d sslmode=disable gssencmode=disable`,
      ],
    });
    assertEquals(code, 2, text);
    assertStringIncludes(text, "FATAL:  sorry, the server is busy");
  },
);

Deno.test("with threads, every thread knows the answer, and the status has the sum", async () => {
  await using server = new TestServer(async (conn) => void await readAll(conn));
  await using program = await Program.start([server.address], [
    ...["--threads", "2", "--workers", "2", "--queue-timeout", "200ms"],
    ...["--reject-with", `${EXAMPLES}reject-redis`],
  ]);
  const conns = await Promise.all(
    Array.from({ length: 20 }, () => Deno.connect({ port: program.port })),
  );
  // Each thread serves one, who says nothing and stays.
  let told = 0;
  const answers = conns.map(async (conn) => {
    await writeAll(conn, new Uint8Array(1));
    const text = new TextDecoder().decode(await readAll(conn).catch(() => new Uint8Array()));
    if (text.startsWith("-ERR ")) told++;
  });
  await until(async () => {
    const { answered, ended } = await program.status();
    return answered >= 18 && answered === ended["queue-timeout"];
  }, "all others have been turned away");
  await until(() => told >= 18, "they have read it");
  for (const conn of conns) tryClose(conn);
  await Promise.all(answers);
});

Deno.test("a file that is no answer is told with its flag, at the start and at a reload", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const large = `${folder}/large`;
    await Deno.writeFile(large, new Uint8Array(16 * 1024 + 1));
    await Deno.writeFile(`${folder}/empty`, new Uint8Array());
    for (
      const [file, problem] of [
        [large, "it has 16385 bytes; must be at most 16384"],
        [`${folder}/empty`, "is empty"],
        [`${folder}/none`, "cannot be read"],
        [folder, "it is a directory, not a regular file"],
      ] as const
    ) {
      const { code, stderr } = await runProgram(["--reject-with", file, "8080", "9001"]);
      assertEquals(code, 2, stderr);
      assertMatch(stderr, /--reject-with /);
      assertStringIncludes(stderr, problem);
      assertEquals(stderr.trim().split("\n").length, 1, stderr);
    }
    const answer = `${folder}/answer`;
    await Deno.writeTextFile(answer, "one");
    const config = `${folder}/iawlb.toml`;
    await Deno.writeTextFile(
      config,
      `listen = "127.0.0.1:0"\ndestinations = ["127.0.0.1:1"]\nreject-with = "${answer}"\n`,
    );
    await using program = await Program.spawn(["--config", config]);
    await Deno.writeTextFile(answer, "another");
    program.signal("SIGHUP");
    await program.logged(
      /reload: reject-with .*answer \(3 bytes, \w+\) → .*answer \(7 bytes, \w+\)/,
    );
    await Deno.remove(answer);
    program.signal("SIGHUP");
    await program.logged(/reload refused, nothing has changed: .*reject-with .*cannot be read/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("--max-wait is for --overflow reject, which one line says", async () => {
  const { code, stderr } = await runProgram(["--max-wait", "1s", "8080", "9001"]);
  assertEquals(code, 2);
  assertEquals(
    stderr.trim(),
    'iawlb: --max-wait "1s": must be 0 unless --overflow is reject: further clients wait in the ' +
      "kernel's backlog, where nobody is turned away",
  );
});
