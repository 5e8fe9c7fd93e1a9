import { assert, assertEquals, assertMatch } from "@std/assert";
import { getLogger } from "@logtape/logtape";
import { chat, type ChatSettings } from "../../src/services/chat.ts";
import { KEPT_LINES } from "../../src/services/room.ts";
import type { Service } from "../../src/services/service.ts";
import { SILENT } from "../../src/services/service.ts";
import { until } from "../support/servers.ts";
import { StreamClient } from "../support/stream_client.ts";

const context = { ...SILENT, log: getLogger(["test", "quiet"]) };

function openRoom(settings: Partial<ChatSettings> = {}): Service {
  return chat(() => ({ members: 256, line: 256, ...settings }), context);
}

function enter(room: Service, options: { reads?: boolean } = {}): StreamClient {
  return new StreamClient(room.connect({ name: "192.0.2.1:1" }), options);
}

/** Somebody who has said a name and was greeted. */
async function join(room: Service, name: string): Promise<StreamClient> {
  const member = enter(room);
  await member.send(`${name}\n`);
  await member.has(new RegExp(`^\\* hello ${name}, `));
  return member;
}

Deno.test("what one writes all others read, and who joins and leaves", async () => {
  const room = openRoom();
  const ann = await join(room, "ann");
  const bob = await join(room, "bob");
  const eve = await join(room, "eve");
  await ann.has("* eve joins");
  await bob.send("good morning\r\n\n");
  await bob.send("  is anybody there?  \n");
  for (const member of [ann, eve]) await member.has("<bob> is anybody there?");
  assertEquals(ann.lines.slice(2), [
    "* bob joins",
    "* eve joins",
    "<bob> good morning",
    "<bob> is anybody there?",
  ]);
  assert(!bob.text.includes("<bob>"));
  await eve.end();
  await ann.has("* eve leaves");
  await bob.send("/quit\n");
  await ann.has("* bob leaves");
  assert(!(await bob.all()).includes("bob leaves"));
  for (const member of [ann, bob, eve]) member.close();
});

Deno.test("names are asked for until there is one that is free and harmless", async () => {
  const room = openRoom();
  const ann = await join(room, "Änn");
  const other = enter(room);
  for (const name of ["", "änn", "a b", "\x1b[31m", "<bob>", "x".repeat(33), "/who"]) {
    await other.send(`${name}\n`);
  }
  await until(() => other.lines.length === 8, "each was answered");
  assertEquals(other.lines.filter((line) => /called|letters/.test(line)).length, 7);
  assertMatch(other.lines[2]!, /somebody is called änn already; your name\?/);
  await other.send("b.o-b_2\n");
  await ann.has("* b.o-b_2 joins");
  for (const member of [ann, other]) member.close();
});

Deno.test("members see who is there and take other names", async () => {
  const room = openRoom();
  const ann = await join(room, "ann");
  const bob = await join(room, "bob");
  await bob.send("/nick ann\n/nick BOB\n/nick bert\n/who\n/nick\n/shout\n");
  await bob.has("* there are 2: ann bert");
  await bob.has(/^\* no such command: \/shout; \/who /);
  await bob.has("* somebody is called ann already");
  await ann.has("* bob is BOB now");
  await ann.has("* BOB is bert now");
  await bob.send("hello\n");
  await ann.has("<bert> hello");
  await join(room, "bob").then((member) => member.close());
  for (const member of [ann, bob]) member.close();
});

Deno.test("a line that is too long is not passed on, which its member is told", async () => {
  const room = openRoom({ line: 16 });
  const ann = await join(room, "ann");
  const bob = await join(room, "bob");
  await bob.send(`${"x".repeat(16)}\n${"y".repeat(17)}\n${"z".repeat(100_000)}\nend\n`);
  await ann.has("<bob> end");
  assertEquals(ann.lines.filter((line) => line.startsWith("<bob>")), [
    `<bob> ${"x".repeat(16)}`,
    "<bob> end",
  ]);
  assertEquals(bob.lines.filter((line) => line.includes("longer than 16 bytes")).length, 2);
  for (const member of [ann, bob]) member.close();
});

Deno.test("what would steer a terminal is shown as text", async () => {
  const room = openRoom();
  const ann = await join(room, "ann");
  const bob = await join(room, "bob");
  await bob.send("a\x1b]0;title\x07b\u202ec\n");
  await ann.has("<bob> a\\x1b]0;title\\x07b\\x202ec");
  for (const member of [ann, bob]) member.close();
});

Deno.test("what a client of Telnet negotiates is no part of a name or a line", async () => {
  const room = openRoom();
  const ann = enter(room);
  await ann.send(
    new Uint8Array([255, 253, 3, 255, 251, 24, ...new TextEncoder().encode("ann\r\n")]),
  );
  await ann.has(/^\* hello ann, /);
  ann.close();
});

Deno.test("a full room says so and closes", async () => {
  const room = openRoom({ members: 2 });
  const late = enter(room);
  await late.has("* your name?");
  const members = [await join(room, "ann"), await join(room, "bob")];
  const other = enter(room);
  assertEquals(await other.all(), "* the room is full: 2 members\n");
  await late.send("eve\n");
  assertMatch(await late.all(), /your name\?\n\* the room is full: 2 members\n$/);
  members[0]!.close();
  await members[1]!.has("* ann leaves");
  members.push(await join(room, "eve"));
  for (const member of [...members, late, other]) member.close();
});

Deno.test("one who does not read holds nobody up, and is told how much it has missed", async () => {
  const room = openRoom();
  const ann = await join(room, "ann");
  const deaf = await join(room, "deaf");
  const bob = await join(room, "bob");
  deaf.pause();
  const number = 3 * KEPT_LINES;
  let text = "";
  for (let i = 0; i < number; i++) text += `${i}\n`;
  await bob.send(text);
  await ann.has(`<bob> ${number - 1}`);
  assert(!ann.text.includes("missed"));
  deaf.resume();
  await deaf.has(`<bob> ${number - 1}`);
  const [, missed] = /^\* you have missed (\d+) lines$/m.exec(deaf.text)!;
  const seen = deaf.lines.filter((line) => line.startsWith("<bob>"));
  assertEquals(Number(missed) + seen.length, number);
  assertEquals(seen.slice(-KEPT_LINES + 1)[0], `<bob> ${number - KEPT_LINES + 1}`);
  for (const member of [ann, bob, deaf]) member.close();
});

Deno.test("one who reads a little now and then holds nobody up a second time", async () => {
  const room = openRoom();
  const ann = await join(room, "ann");
  const slow = await join(room, "slow");
  const bob = await join(room, "bob");
  slow.pause();
  let text = "";
  for (let i = 0; i < 2 * KEPT_LINES; i++) text += `${"x".repeat(200)}\n`;
  await bob.send(`${text}begin\n`);
  await ann.has("<bob> begin");
  const begun = performance.now();
  for (let i = 0; i < 6; i++) {
    const { length } = slow.text;
    slow.resume();
    slow.pause();
    await until(() => slow.text.length > length, "it has read something");
    await bob.send(`${i}\n`);
    await ann.has(`<bob> ${i}`);
  }
  assert(performance.now() - begun < 2000, "each was waited for");
  slow.resume();
  for (const member of [ann, bob, slow]) member.close();
});

Deno.test("what a member has written itself it has not missed", async () => {
  const room = openRoom();
  const ann = await join(room, "ann");
  const bob = await join(room, "bob");
  bob.pause();
  // Bob takes this, and nothing more.
  await ann.send("first\n");
  await until(() => bob.text.includes("first"), "bob has read it");
  let text = "";
  for (let i = 0; i < KEPT_LINES; i++) text += `${i}\n`;
  await bob.send(text);
  await ann.send(text);
  bob.resume();
  await bob.has(`<ann> ${KEPT_LINES - 1}`);
  const missed = /missed (\d+)/.exec(bob.text)?.[1] ?? 0;
  const seen = bob.lines.filter((line) => line.startsWith("<ann>"));
  assertEquals(Number(missed) + seen.length, KEPT_LINES + 1);
  for (const member of [ann, bob]) member.close();
});

Deno.test("those who read miss nothing, however fast one writes", async () => {
  const room = openRoom();
  const readers = await Promise.all(["a", "b", "c"].map((name) => join(room, name)));
  const fast = await join(room, "fast");
  const number = 5 * KEPT_LINES;
  let text = "";
  for (let i = 0; i < number; i++) text += `${i}\n`;
  await fast.send(text);
  for (const reader of readers) {
    await reader.has(`<fast> ${number - 1}`);
    const lines = reader.lines.filter((line) => line.startsWith("<fast>"));
    assertEquals(lines, Array.from({ length: number }, (_, i) => `<fast> ${i}`));
    assert(!reader.text.includes("missed"));
  }
  for (const member of [...readers, fast]) member.close();
});

Deno.test("when it is to finish everybody is told and closed, also one who does not read", async () => {
  const room = openRoom();
  const ann = await join(room, "ann");
  const nameless = enter(room);
  await nameless.has("* your name?");
  const deaf = enter(room, { reads: false });
  const closed = assertCloses(deaf);
  room.finish!(true);
  assertMatch(await ann.all(), /\n\* the room is closed\n$/);
  assertMatch(await nameless.all(), /\* the room is closed\n$/);
  await closed;
  assertEquals(await enter(room).all(), "* the room is closed\n");
  room.finish!(false);
  const again = await join(room, "ann");
  for (const member of [ann, nameless, deaf, again]) member.close();
});

/** Waits until what is written is not taken any more since the other end is closed. */
async function assertCloses(client: StreamClient): Promise<void> {
  try {
    for (;;) {
      await client.send("x");
      await new Promise((resolve) => setTimeout(resolve));
    }
  } catch {
    // It is.
  }
}
