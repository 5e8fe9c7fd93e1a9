import { assert, assertEquals } from "@std/assert";
import { Program } from "../support/program.ts";
import {
  discard,
  echo,
  readAll,
  readExactly,
  TestServer,
  tryClose,
  until,
  writeAll,
} from "../support/servers.ts";

const HELLO = new TextEncoder().encode("hello");

/** Runs one session until the program ends it; returns its reason and how long that took. */
async function sessionEnd(
  options: string[],
  parts: { serve: (conn: Deno.Conn) => Promise<void>; use: (conn: Deno.Conn) => Promise<void> },
): Promise<{ reason: string; total: number }> {
  await using server = new TestServer(parts.serve);
  await using program = await Program.start([server.address], options);
  using client = await Deno.connect({ port: program.port });
  const using = parts.use(client).catch(() => {});
  await until(() => program.out.length === 1, "the session has ended");
  await readAll(client).catch(() => {});
  tryClose(client);
  await using;
  const [entry] = program.access();
  return { reason: entry!.reason, total: entry!.total_ms };
}

function assertAbout(actual: number, expected: number): void {
  // Without the timeout it would be minutes.
  assert(actual >= expected && actual <= expected + 10_000, `${actual} ms is not ${expected} ms`);
}

Deno.test("an idle session ends after --idle-timeout", async () => {
  const { reason, total } = await sessionEnd(["--idle-timeout", "400ms"], {
    serve: echo,
    use: async (client) => {
      await writeAll(client, HELLO);
      await readExactly(client, HELLO.length);
    },
  });
  assertEquals(reason, "idle-timeout");
  assertAbout(total, 400);
});

Deno.test("a session that trickles is not idle", async () => {
  await using server = new TestServer(echo);
  await using program = await Program.start([server.address], ["--idle-timeout", "1s"]);
  using client = await Deno.connect({ port: program.port });
  const end = performance.now() + 1500;
  while (performance.now() < end) {
    await writeAll(client, HELLO);
    assertEquals(await readExactly(client, HELLO.length), HELLO);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await client.closeWrite();
  await readAll(client);
  assertEquals((await program.entries(1))[0]!.reason, "done");
});

Deno.test("a half-closed session ends after --half-close-timeout without a byte", async () => {
  const { reason, total } = await sessionEnd(["--half-close-timeout", "400ms"], {
    serve: async (conn) => {
      await discard(conn);
      await writeAll(conn, HELLO);
      await new Promise<void>((resolve) => {
        conn.read(new Uint8Array(1)).catch(() => {}).finally(() => setTimeout(resolve, 1000));
      });
    },
    use: async (client) => {
      await writeAll(client, HELLO);
      await client.closeWrite();
    },
  });
  assertEquals(reason, "half-close-timeout");
  assertAbout(total, 400);
});

Deno.test("a destination that gives no answer is left after --answer-timeout", async () => {
  const { reason, total } = await sessionEnd(["--answer-timeout", "400ms"], {
    serve: discard,
    use: (client) => writeAll(client, HELLO),
  });
  assertEquals(reason, "answer-timeout");
  assertAbout(total, 400);
});

Deno.test("a session that is busy ends after --session-timeout all the same", async () => {
  const { reason, total } = await sessionEnd(["--session-timeout", "500ms"], {
    serve: echo,
    use: async (client) => {
      for (;;) {
        await writeAll(client, HELLO);
        await readExactly(client, HELLO.length);
      }
    },
  });
  assertEquals(reason, "session-timeout");
  assertAbout(total, 500);
});

Deno.test("a destination that swallows connects is given up after --connect-timeout", async () => {
  // A listener that never accepts, its backlog full: Linux drops further SYNs.
  using full = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
  const { port } = full.addr;
  const fillers: Deno.TcpConn[] = [];
  const abort = new AbortController();
  const pending = Array.from({ length: 8 }, () => {
    return Deno.connect({ hostname: "127.0.0.1", port, signal: abort.signal })
      .then((conn) => void fillers.push(conn), () => {});
  });
  await until(() => fillers.length >= 2, "the backlog is full");
  await using server = new TestServer(echo);
  await using program = await Program.start(
    [`127.0.0.1:${port}`, server.address],
    ["--connect-timeout", "1s"],
  );
  using client = await Deno.connect({ port: program.port });
  await writeAll(client, HELLO);
  assertEquals(await readExactly(client, HELLO.length), HELLO);
  await program.logged(/is down: .*no connection within 1000 ms/);
  await client.closeWrite();
  await readAll(client);
  const [entry] = await program.entries(1);
  assertEquals([entry!.reason, entry!.attempts], ["done", 2]);
  // The connect that was given up is no waiting.
  assert(entry!.queue_ms < 900 && entry!.total_ms > 990, JSON.stringify(entry));
  abort.abort();
  await Promise.all(pending);
  for (const conn of fillers) conn.close();
});
