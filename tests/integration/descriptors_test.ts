import { assert, assertEquals, assertMatch } from "@std/assert";
import { cpuSeconds } from "../support/process.ts";
import { Program } from "../support/program.ts";
import {
  echo,
  freePort,
  readAll,
  request,
  TestServer,
  until,
  writeAll,
} from "../support/servers.ts";
import { unless } from "../support/unless.ts";

const ignore = Deno.build.os !== "linux";

Deno.test("with few descriptors only as many sessions are accepted as can be served", {
  ignore,
}, async () => {
  await using server = new TestServer(echo);
  await using program = await Program.start([server.address], [], "ulimit -n 64");
  const clients = await Promise.all(
    Array.from({ length: 100 }, () => Deno.connect({ port: program.port })),
  );
  await program.logged(/open files has room for \d+ sessions/);
  const { limit } = JSON.parse(await program.logged(/open files has room/));
  assert(limit >= 5 && limit <= 20, `${limit} sessions of two descriptors in a limit of 64`);
  await until(async () => (await program.status()).active === limit, "the limit is reached");
  assertEquals((await program.status()).accepted, limit);
  await Promise.all(clients.map(async (client, i) => {
    await writeAll(client, new TextEncoder().encode(`client ${i}`));
    await client.closeWrite();
    assertEquals(new TextDecoder().decode(await readAll(client)), `client ${i}`);
    client.close();
  }));
  await until(async () => (await program.status()).ended.done === 100, "all sessions are done");
  assertEquals(program.log.filter((line) => line.includes('"warning"')), []);
  assertEquals(await program.terminate(), 0);
});

Deno.test(
  "more --max-connections than there are descriptors is said at the start, and nobody starves",
  {
    ignore,
  },
  async () => {
    await using server = new TestServer(echo);
    await using program = await Program.start(
      [server.address],
      ["--max-connections", "1000", "--queue-timeout", "5s"],
      "ulimit -n 64",
    );
    const warning = JSON.parse(await program.logged(/--max-connections 1000/));
    assertEquals(warning.level, "warning");
    const { room, missing } = warning;
    assert(room >= 5 && room <= 20, `${room} sessions of two descriptors in a limit of 64`);
    assertEquals(missing, (1000 - room) * 2);
    const answers = await Promise.all(Array.from({ length: 100 }, async (_, i) => {
      return await request(program.port, `client ${i}`) === `client ${i}`;
    }));
    assert(answers.every(Boolean), "all are answered");
    assertEquals(program.log.filter((line) => line.includes('"warning"')).length, 1);
    assertEquals(await program.terminate(), 0);
  },
);

Deno.test("a drain at the limit serves everybody whom the kernel has accepted", {
  ignore,
}, async () => {
  for (const options of [[], ["--max-connections", "1000"]]) {
    const go = Promise.withResolvers<void>();
    await using server = new TestServer(async (conn) => {
      await go.promise;
      await echo(conn);
    });
    await using program = await Program.start([server.address], options, "ulimit -n 64");
    const answers = Promise.all(Array.from({ length: 100 }, (_, i) => {
      return request(program.port, `client ${i}`).catch((error) => String(error));
    }));
    await until(async () => (await program.status()).active >= 5, "the limit is reached");
    program.signal("SIGTERM");
    await program.logged(/draining/);
    go.resolve();
    assertEquals(await answers, Array.from({ length: 100 }, (_, i) => `client ${i}`));
    assertEquals(await program.ended(), 0);
  }
});

Deno.test("several listeners share the descriptors, and none is left without", {
  ignore,
}, async () => {
  await using server = new TestServer(echo);
  const folder = await Deno.makeTempDir();
  const ports = [freePort(), freePort(), freePort()];
  const file = `${folder}/iawlb.toml`;
  await Deno.writeTextFile(
    file,
    ports.map((port) => {
      return `[[listener]]\nlisten = "127.0.0.1:${port}"\ndestinations = ["${server.address}"]\n`;
    }).join("\n"),
  );
  const args = ["--config", file, "--log-format", "json"];
  await using program = await Program.spawn(args, "ulimit -n 64");
  const greedy = await Promise.all(
    Array.from({ length: 60 }, () => Deno.connect({ port: ports[0]! })),
  );
  await program.logged(/open files has room/);
  // The first listener has all that can be shared, and still the others serve, one after the other.
  for (let i = 0; i < 10; i++) {
    for (const port of ports.slice(1)) assertEquals(await request(port, `${i}`), `${i}`);
  }
  for (const client of greedy) client.close();
  const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => {
    return request(ports[i % 3]!, `client ${i}`);
  }));
  assertEquals(answers, Array.from({ length: 60 }, (_, i) => `client ${i}`));
  assertEquals(program.log.filter((line) => line.includes('"warning"')), []);
  assertEquals(await program.terminate(), 0);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("threads share the descriptors", { ignore }, async () => {
  await using server = new TestServer(echo);
  await using program = await Program.start(
    [`${server.address},workers=100`],
    ["--threads", "2"],
    "ulimit -n 128",
  );
  const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => {
    return request(program.port, `client ${i}`);
  }));
  assertEquals(answers, Array.from({ length: 200 }, (_, i) => `client ${i}`));
  assertEquals(program.log.filter((line) => line.includes('"warning"')), []);
  assertEquals(await program.terminate(), 0);
});

Deno.test(
  unless("descriptors that are taken away while it runs make it pause, and it goes on by itself", {
    "Linux only": ignore,
    "there is no prlimit": !hasPrlimit(),
  }),
  async () => {
    await using server = new TestServer(echo);
    await using program = await Program.start([server.address]);
    assertEquals(await request(program.port, "hello"), "hello");
    // Nothing can be opened any more.
    await limitFiles(program.pid, 8);
    const clients = await Promise.all(
      Array.from({ length: 10 }, () => Deno.connect({ port: program.port })),
    );
    await program.logged(/accepting pauses/);
    const before = cpuSeconds(program.pid);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const used = cpuSeconds(program.pid) - before;
    assert(used < 0.5, `${used} s of CPU in a second of waiting`);
    const pauses = program.log.filter((line) => line.includes("pauses")).length;
    assert(pauses <= 2, "one line for accepting, one for connecting");
    await limitFiles(program.pid, 256);
    await Promise.all(clients.map(async (client, i) => {
      await writeAll(client, new TextEncoder().encode(`client ${i}`));
      await client.closeWrite();
      assertEquals(new TextDecoder().decode(await readAll(client)), `client ${i}`);
      client.close();
    }));
    // A hundred at a time are more than what it had before.
    const held = await Promise.all(
      Array.from({ length: 50 }, () => Deno.connect({ port: program.port })),
    );
    await until(async () => (await program.status()).active === 50, "all of them are served");
    for (const client of held) client.close();
    assertEquals((await program.status()).destinations[0].state, "up");
    assertEquals(await program.terminate(), 0);
  },
);

Deno.test("too few descriptors for threads are one line, also at a reload, and end nothing", {
  ignore,
}, async () => {
  await using server = new TestServer(echo);
  const folder = await Deno.makeTempDir();
  const file = `${folder}/iawlb.toml`;
  const table = (port: number, threads: number) => {
    return `[[listener]]\nlisten = "127.0.0.1:${port}"\nthreads = ${threads}\n` +
      `destinations = ["${server.address}"]\n`;
  };
  const [first, second] = [freePort(), freePort()];
  await Deno.writeTextFile(file, table(first, 8));
  const args = ["--config", file, "--log-format", "json"];
  await using refused = Program.launch(args, "ulimit -n 64");
  assertEquals(await refused.ended(), 1);
  assertEquals(refused.log.length, 1, refused.log.join("\n"));
  assertMatch(refused.log[0]!, /open files/);

  await Deno.writeTextFile(file, table(first, 1));
  await using program = await Program.spawn(args, "ulimit -n 64");
  await Deno.writeTextFile(file, table(first, 1) + table(second, 8));
  program.signal("SIGHUP");
  assertMatch(await program.logged(/reload refused/), /open files.*no room for 8 more threads/);
  assertEquals(await request(first, "hello"), "hello");
  assertEquals(await program.terminate(), 0);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("listeners that a reload adds share the descriptors, too", { ignore }, async () => {
  await using server = new TestServer(echo);
  const folder = await Deno.makeTempDir();
  const file = `${folder}/iawlb.toml`;
  const ports = [freePort(), freePort(), freePort()];
  const write = (some: number[]) => {
    return Deno.writeTextFile(
      file,
      some.map((port) => {
        return `[[listener]]\nlisten = "127.0.0.1:${port}"\ndestinations = ["${server.address}"]\n`;
      }).join(""),
    );
  };
  await write(ports.slice(0, 1));
  const args = ["--config", file, "--log-format", "json"];
  await using program = await Program.spawn(args, "ulimit -n 64");
  const greedy = await Promise.all(
    Array.from({ length: 40 }, () => Deno.connect({ port: ports[0]! })),
  );
  await program.logged(/open files has room/);
  await write(ports);
  program.signal("SIGHUP");
  await program.logged(new RegExp(`listening on 127.0.0.1:${ports[2]} `));
  for (let i = 0; i < 10; i++) {
    for (const port of ports.slice(1)) assertEquals(await request(port, `${i}`), `${i}`);
  }
  for (const client of greedy) client.close();
  assertEquals(program.log.filter((line) => line.includes('"warning"')), []);
  assertEquals(await program.terminate(), 0);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("too few descriptors to serve anybody are one line and the status 1", {
  ignore,
}, async () => {
  await using server = new TestServer(echo);
  let refused = 0;
  let served = 0;
  // With fewer than 15 the runtime panics or, with less than about 25, cannot load the sources, of which
  // it opens more at a time when the machine is busy: before there is anything of ours. Some are left
  // for those that whoever runs the tests has open and passes on.
  const smallest = Deno.env.get("IAWLB_BINARY") ? 24 : 40;
  for (let limit = smallest; limit <= 64; limit += 4) {
    const args = ["--admin", "127.0.0.1:0", "--log-format", "json"];
    const listen = `127.0.0.1:${freePort()}`;
    await using program = Program.launch(
      [...args, listen, server.address],
      `ulimit -n ${limit}`,
    );
    const up = await program.logged(/admin API on/).then(() => true, () => false);
    if (up) {
      served++;
      const port = Number(listen.split(":")[1]);
      const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => {
        return request(port, `client ${i}`);
      }));
      assertEquals(answers, Array.from({ length: 20 }, (_, i) => `client ${i}`), `at ${limit}`);
      assertEquals(await program.terminate(), 0, `at ${limit}`);
    } else {
      refused++;
      assertEquals(served, 0, `${limit} is too small, and less was not`);
      assertEquals(await program.ended(), 1, `at ${limit}`);
      assertEquals(program.log.length, 1, `at ${limit}: ${program.log.join("\n")}`);
      assertMatch(program.log[0]!, /open files/);
    }
  }
  assert(refused > 0 && served > 0, `${refused} refused, ${served} served`);
});

function hasPrlimit(): boolean {
  try {
    return new Deno.Command("prlimit", { args: ["--version"] }).outputSync().success;
  } catch {
    return false;
  }
}

/** Changes how many files a process that runs may have open; only the lower of its two limits. */
async function limitFiles(pid: number, number: number): Promise<void> {
  const args = ["--pid", String(pid), `--nofile=${number}:`];
  const { success } = await new Deno.Command("prlimit", { args }).output();
  assert(success);
}
