import { assertEquals } from "@std/assert";
import { isHere, returns } from "../../src/net/loop_rules.ts";
import { type Ends, Trails } from "../../src/net/trails.ts";

function ends(client: string, server: string): Ends {
  const [one, other] = [client, server].map((text) => {
    const [, hostname, port] = /^(.*):(\d+)$/.exec(text)!;
    return { transport: "tcp" as const, hostname: hostname!, port: Number(port) };
  });
  return { client: one!, server: other! };
}

const CONN = ends("127.0.0.1:40000", "127.0.0.1:8080");
const TRAIL = [{ listener: 1, destination: 2 }, { listener: 300, destination: 4 }];

Deno.test("the way of a connection is found by its addresses, also in another thread", () => {
  const trails = new Trails();
  const note = trails.note(CONN, TRAIL);
  const other = new Trails(trails.buffer);
  assertEquals(other.find(CONN), TRAIL);
  assertEquals(other.find(ends("::ffff:127.0.0.1:40000", "::ffff:127.0.0.1:8080")), TRAIL);
  other.mark(CONN);
  note.forget();
  assertEquals([note.looped, trails.find(CONN), trails.mayKnow(8080)], [true, undefined, false]);
});

Deno.test("a client that has the same port is another one, at the same time and later", () => {
  const trails = new Trails();
  const note = trails.note(CONN, TRAIL);
  for (
    const [client, server] of [["10.0.0.7:40000", "10.0.0.1:8080"], [
      "127.0.0.1:40000",
      "127.0.0.1:8081",
    ], ["127.0.0.1:40001", "127.0.0.1:8080"]] as const
  ) {
    assertEquals(trails.find(ends(client, server)), undefined);
  }
  note.forget();
  assertEquals(trails.find(CONN), undefined);
  const next = trails.note(CONN, []);
  // What was forgotten is not forgotten again.
  note.forget();
  assertEquals(trails.find(CONN), []);
  assertEquals([note.looped, next.looped], [false, false]);
});

Deno.test("thousands of notes are kept apart, and a long way is known by its beginning", () => {
  const trails = new Trails();
  const long = Array.from({ length: 50 }, (_, i) => ({ listener: i + 1, destination: 1 }));
  const all = Array.from({ length: 2000 }, (_, i) => {
    return ends(`127.0.0.1:${30_000 + i}`, "127.0.0.1:8080");
  });
  const notes = all.map((one, i) => trails.note(one, [{ listener: i, destination: 1 }]));
  let lost = 0;
  for (const [i, one] of all.entries()) {
    const found = trails.find(one);
    if (found) assertEquals(found, [{ listener: i, destination: 1 }]);
    else lost++;
  }
  assertEquals(lost < 400, true, `${lost} have overwritten each other`);
  for (const note of notes) note.forget();
  assertEquals(all.map((one) => trails.find(one)).filter((found) => found), []);
  assertEquals(trails.mayKnow(8080), false);
  trails.note(CONN, long);
  assertEquals(trails.find(CONN), long.slice(0, 12));
});

Deno.test("a connect under way lets those who accept look again", () => {
  const trails = new Trails();
  trails.listen(8080);
  trails.listen(8080);
  trails.unlisten(8080);
  assertEquals([trails.listens(8080), trails.listens(8081)], [true, false]);
  trails.beginConnect(8080);
  assertEquals([trails.mayKnow(8080), trails.pending(8080), trails.mayKnow(8081)], [
    true,
    true,
    false,
  ]);
  trails.endConnect(8080);
  assertEquals(trails.mayKnow(8080), false);
});

Deno.test("a thread that has ended leaves no note, but listeners are still known", () => {
  const trails = new Trails();
  trails.listen(8080);
  trails.beginConnect(8080);
  trails.note(CONN, TRAIL);
  trails.noteWay(1, 2);
  trails.clear();
  trails.endConnect(8080);
  assertEquals([trails.find(CONN), trails.mayKnow(8080)], [undefined, false]);
  assertEquals([trails.listens(8080), [...trails.reach(1)]], [true, [1]]);
});

Deno.test("socket files lead back by the connections that there are", () => {
  const trails = new Trails();
  const back = (from: number, to: number, passed: number[] = []) => {
    const trail = passed.map((listener) => ({ listener, destination: 1 }));
    return returns(trails, { trail, from, to });
  };
  assertEquals([back(1, 1), back(1, 2), back(1, 2, [2])], [true, false, true]);
  const notes = [trails.noteWay(1, 2), trails.noteWay(2, 3)];
  assertEquals([back(3, 1), back(2, 1), back(3, 4)], [true, true, false]);
  assertEquals(back(4, 2, [3]), true, "2 leads to 3, which it has passed");
  trails.markWays(2);
  for (const note of notes) note.forget();
  assertEquals(notes.map(({ looped }) => looped), [true, false]);
  assertEquals([back(3, 1), back(4, 2, [3])], [false, false]);
});

Deno.test("a path is a listener's under each of its names, as long as it listens", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const trails = new Trails();
    const path = `${folder}/socket`;
    using _listener = Deno.listen({ transport: "unix", path });
    await Deno.symlink(path, `${folder}/symlink`);
    await Deno.link(path, `${folder}/link`);
    await Deno.writeTextFile(`${folder}/other`, "");
    const found = () =>
      ["socket", "symlink", "link", "other", "none"].map((name) => {
        return trails.listenerAt(`${folder}/${name}`);
      });
    assertEquals(found(), Array(5).fill(undefined));
    const undo = trails.listenAt(path, 7);
    assertEquals(found(), [7, 7, 7, undefined, undefined]);
    undo();
    assertEquals(found(), Array(5).fill(undefined));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("both ends are here if they are the same address, or loopback", () => {
  assertEquals(isHere(ends("10.0.0.1:1", "10.0.0.1:2")), true);
  assertEquals(isHere(ends("::ffff:127.0.0.1:1", "127.0.0.2:2")), true);
  assertEquals(isHere(ends("10.0.0.1:1", "10.0.0.2:2")), false);
});
