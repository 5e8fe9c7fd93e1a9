import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { FatalError } from "../../src/base/errors.ts";
import { parseAddress } from "../../src/net/address.ts";
import { PidFile } from "../../src/program/daemon/pid_file.ts";
import { Beside } from "../../src/program/replace/beside.ts";
import { readPredecessor, readTakeOver, writeLine } from "../../src/program/replace/messages.ts";
import { factsOf, lagging } from "../../src/program/replace/readiness.ts";
import { destinationOf, listenerOf } from "../support/statuses.ts";

const ignore = Deno.build.os === "windows";
const uid = Deno.uid() ?? undefined;
const address = (text: string) => parseAddress(text, { minPort: 0, udp: true });

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("what the other process holds is shared with it, also where wildcards meet", () => {
  const beside = new Beside(
    ["[::]:8080", "127.0.0.1:8081", "udp:127.0.0.1:53", "unix:/a"].map(address),
  );
  const held = (text: string) => beside.isHeld(address(text));
  assertEquals(
    ["8080", "127.0.0.1:8080", "8081", "udp:53", "unix:/a"].filter((one) => !held(one)),
    [],
  );
  assertEquals(["8082", "127.0.0.2:8081", "127.0.0.1:53", "udp:8080", "unix:/b"].filter(held), []);
  const taken: string[] = [];
  let free = false;
  beside.atHandOver({ check: () => assert(free), take: () => void taken.push("a") });
  assertThrows(() => beside.check(), Error);
  free = true;
  beside.check();
  assertEquals([beside.beside, taken], [true, []]);
  beside.handOver();
  assertEquals([beside.beside, taken, held("8080")], [false, ["a"], false]);
});

Deno.test("who replaces nobody shares nothing with anybody yet", () => {
  const beside = new Beside(undefined);
  assertEquals([beside.beside, beside.isHeld(address("8080"))], [false, false]);
});

Deno.test("only what is a message is taken for one", () => {
  const predecessor = {
    pid: 7,
    generation: 2,
    addresses: ["[::]:80", "unix:/a, b"],
    serving: ["80"],
  };
  const read = readPredecessor(writeLine(predecessor))!;
  assertEquals(read.held, [address("[::]:80"), address("unix:/a, b")]);
  assertEquals([read.pid, read.generation, read.serving], [7, 2, ["80"]]);
  const bytes = (text: string) => new TextEncoder().encode(text);
  const wrong = [
    "",
    "null",
    "[]",
    JSON.stringify({ ...predecessor, pid: 0 }),
    JSON.stringify({ ...predecessor, pid: "7" }),
    JSON.stringify({ ...predecessor, generation: 1.5 }),
    JSON.stringify({ ...predecessor, addresses: ["nonsense:"] }),
    JSON.stringify({ ...predecessor, serving: undefined }),
  ];
  for (const text of wrong) assertEquals(readPredecessor(bytes(text)), undefined, text);
  assertEquals(readTakeOver(writeLine({ replacedBy: 8 })), { replacedBy: 8 });
  for (const text of ["", "7", '{"replacedBy":-7}', '{"replacedBy":true}']) {
    assertEquals(readTakeOver(bytes(text)), undefined, text);
  }
});

Deno.test("a listener is served when one of its destinations is up and has a weight", () => {
  const of = (name: string, ...destinations: Parameters<typeof destinationOf>[0][]) =>
    listenerOf({
      name,
      address: `127.0.0.1:${name}, [::1]:${name}`,
      destinations: destinations.map(destinationOf),
    });
  const facts = factsOf({
    listeners: [
      of("1", { state: "down" }, { state: "up", weight: 2 }),
      of("2", { state: "untried" }),
      of("3", { state: "up", weight: 0 }),
      of("4"),
      { ...of("5", { state: "up" }), state: "draining" },
      { ...of("6", { state: "up" }), address: "unix:/a, b" },
    ],
  }, "127.0.0.1:9090");
  assertEquals(facts.serving, ["1", "6"]);
  assertEquals(facts.listeners, ["1", "2", "3", "4", "6"]);
  assertEquals(facts.addresses.slice(-4), [
    "127.0.0.1:5",
    "[::1]:5",
    "unix:/a, b",
    "127.0.0.1:9090",
  ]);
});

Deno.test("only what the other process serves, and there is here, is waited for", async () => {
  const here = { addresses: [], listeners: ["a", "b"], serving: [] as string[] };
  const { signal } = new AbortController();
  let looks = 0;
  const facts = () => {
    if (++looks === 3) here.serving.push("a");
    return Promise.resolve(here);
  };
  assertEquals(await lagging(["a", "gone"], { facts, signal, patience: 10_000 }), []);
  assertEquals(looks, 3);
  assertEquals(await lagging(["a", "b"], { facts, signal, patience: 30 }), ["b"]);
  assertEquals(await lagging(["b"], { facts, signal: AbortSignal.abort(), patience: 10_000 }), [
    "b",
  ]);
});

Deno.test("a pid file is moved to the place of the one that it replaces, of no other", {
  ignore,
}, async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.pid`;
    assertEquals(await PidFile.read(path, { uid }), undefined);
    const before = await PidFile.take(path, { uid });
    const { pid, mark } = (await PidFile.read(path, { uid }))!;
    assertEquals(pid, Deno.pid);
    const next = await PidFile.take(path, { uid, at: `${path}.next` });
    await next.moveTo(path, mark);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["a.pid"]);
    assertEquals([before.isMovedAway, next.isMovedAway], [true, false]);
    before.release();
    assertEquals([...Deno.readDirSync(folder)].length, 1, "it is not removed by the one before");
    const late = await PidFile.take(path, { uid, at: `${path}.next` });
    const { message } = await assertRejects(() => late.moveTo(path, mark), FatalError);
    assertEquals(
      message,
      `--pid-file "${path}": another process has taken it meanwhile, and goes on`,
    );
    late.release();
    next.release();
    assertEquals([...Deno.readDirSync(folder)], []);
  });
});

Deno.test("what is no pid file is not read as one", { ignore }, async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.pid`;
    await Deno.writeTextFile(path, "no number\n");
    await assertRejects(() => PidFile.read(path, { uid }), FatalError, "holds something else");
    await Deno.writeTextFile(path, "\n");
    assertEquals(await PidFile.read(path, { uid }), undefined);
    await Deno.symlink(path, `${folder}/link`);
    await assertRejects(() => PidFile.read(`${folder}/link`, { uid }), FatalError, "symbolic link");
    if (uid === undefined) return;
    await assertRejects(() => PidFile.read(path, { uid: uid + 1 }), FatalError, "belongs to user");
  });
});
