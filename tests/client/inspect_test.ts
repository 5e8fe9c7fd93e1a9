import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { FatalError, UsageError } from "../../src/base/errors.ts";
import { ctl } from "../../src/client/ctl.ts";
import { Capture } from "../../src/client/inspect/capture.ts";
import { parseSize } from "../../src/client/inspect/size.ts";
import { InspectionView } from "../../src/client/inspect/view.ts";
import type { InspectedSession, InspectionRecord } from "../../src/operations/inspection.ts";
import { randomBytes } from "../support/servers.ts";
import { fields, hasTshark } from "../support/tshark.ts";
import { unless } from "../support/unless.ts";

const START = Date.UTC(2026, 0, 2, 3, 4, 5) * 1000;

function session(session: string, rest: Partial<InspectedSession> = {}): InspectedSession {
  return {
    ...{ kind: "session", session, time_us: START, listener: "web", transport: "tcp" },
    ...{ client: "192.0.2.7:5000", local: "198.51.100.1:8080", destination: "db1" },
    ...{ age_ms: 2, bytes_up: 0, bytes_down: 0, tls: null },
    ...rest,
  };
}

function bytes(
  session: string,
  direction: "up" | "down",
  offset: number,
  what: string | Uint8Array,
): InspectionRecord {
  const bytes = typeof what === "string" ? new TextEncoder().encode(what) : what;
  return { kind: "bytes", session, time_us: START + 1500, direction, offset, bytes };
}

function over(
  session: string,
  reason: "done" | "client-reset" | "killed",
  up: number,
  down: number,
) {
  const record = { kind: "over", session, time_us: START + 9000, reason } as const;
  return { ...record, bytes_up: up, bytes_down: down };
}

/** A file of what has happened. */
async function captured(
  records: readonly InspectionRecord[],
  look: (path: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    using capture = new Capture(`${folder}/a.pcapng`, { limit: 1e9 });
    for (const record of records) capture.add(record);
    await look(`${folder}/a.pcapng`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("bytes are shown as text, or as hexadecimal digits with their place", () => {
  const records = [
    session("1.7"),
    bytes("1.7", "up", 0, "GET /\r\n\x00é\n"),
    bytes("1.7", "down", 0, "ok"),
  ];
  const text = new InspectionView({ hex: false, rate: 1e6 });
  assertEquals(records.flatMap((record) => text.lines(record)), [
    "03:04:05.000000 1.7 from 192.0.2.7:5000 at listener web (198.51.100.1:8080), to db1, 2.0 ms old",
    "03:04:05.001500 1.7 > GET /",
    "                    > \\x00é",
    "03:04:05.001500 1.7 < ok",
  ]);
  const hex = new InspectionView({ hex: true, rate: 1e6 });
  const record = bytes("1.7", "up", 4096, "0123456789abcdefXYZ\n");
  assertEquals(records.slice(0, 1).concat(record).flatMap((one) => hex.lines(one)).slice(1), [
    "03:04:05.001500 1.7 > (4.0 KiB left out)",
    "03:04:05.001500 1.7 > 00001000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|",
    "                    > 00001010  58 59 5a 0a                                       |XYZ.|",
  ]);
});

Deno.test("more than the rate is left out, which is said where it would have been", () => {
  const view = new InspectionView({ hex: false, rate: 10 });
  view.lines(session("1.1"));
  assertEquals(view.lines(bytes("1.1", "up", 0, "0123456789abcdef")).length, 1);
  assertEquals(view.lines(bytes("1.1", "up", 16, "x".repeat(2000))), []);
  assertEquals(view.rest(), ["1.1 > (2.0 KiB left out)"]);
  const later = { ...bytes("1.1", "up", 2016, "on"), time_us: START + 2e6 };
  assertMatch(view.lines(later as InspectionRecord).join("|"), /> \(2\.0 KiB left out\)\|.*> on$/);
  assertMatch(
    view.lines(over("1.1", "killed", 2020, 0)).join("|"),
    /\(2 B left out\)\|.* is over: killed/,
  );
});

Deno.test("a size is a number with a unit", () => {
  assertEquals(["64MiB", "1B", "2GiB"].map(parseSize), [67_108_864, 1, 2_147_483_648]);
  assertEquals(
    ["64", "0MiB", "64MB", "-1KiB", "9999999999GiB", ""].map(parseSize),
    Array(6).fill(undefined),
  );
});

Deno.test("what is wrong with watch and capture is said before anything is asked", async () => {
  for (
    const [args, message] of [
      [["watch"], /which sessions is missing/],
      [["watch", "7"], /SESSION "7": must be an ID/],
      [["watch", "1.7", "--rate", "fast"], /--rate "fast": must be a whole number with a unit/],
      [["watch", "1.7", "--limit", "1MiB"], /--limit is for --capture FILE/],
      [["capture", "1.7"], /--file is missing/],
      [["capture", "1.7", "--file", "x", "--for", "soon"], /--for "soon": must be/],
      [
        ["capture", "--client", "10.0.0.0/99", "--file", "x"],
        /--client "10\.0\.0\.0\/99": must be/,
      ],
      [
        ["capture", "1.1", "--file", "a", "--limit", "1023B"],
        /--limit "1023B": must be at least 1KiB/,
      ],
      [["sessions", "--hex"], /--hex: not an option of sessions/],
    ] as const
  ) {
    const error = await assertRejects(() => ctl(["1", ...args], () => {}), UsageError);
    assertMatch(error.message, message);
  }
});

Deno.test("a file that is there is not overwritten, and one without anything is removed", async () => {
  const path = await Deno.makeTempFile();
  assertThrows(() => new Capture(path, { limit: 1e6 }), FatalError, "it is there already");
  await Deno.remove(path);
  for (
    const [where, why] of [
      [`${path}/a`, /cannot be written: there is no such folder$/],
      [
        "/proc/a",
        /cannot be written: (it is a special file of the system|there is no such folder)$/,
      ],
    ] as const
  ) {
    const error = assertThrows(() => new Capture(where, { limit: 1e6 }), FatalError);
    assertMatch(error.message, why);
  }
  using capture = new Capture(path, { limit: 1e6 });
  assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
  capture.discard();
  assertThrows(() => Deno.statSync(path), Deno.errors.NotFound);
});

const NO_TSHARK = { "there is no tshark": !hasTshark };

Deno.test({
  ...unless(
    "Wireshark sees the connections with their addresses, and finds nothing wrong",
    NO_TSHARK,
  ),
  async fn() {
    const sent = randomBytes(100_000);
    const got = randomBytes(200_000);
    const records: InspectionRecord[] = [
      session("1.1"),
      bytes("1.1", "up", 0, sent.subarray(0, 70_000)),
      session("1.2", { client: "[2001:db8::7]:6000", local: "[2001:db8::1]:443", tls: "1.3" }),
      bytes("1.2", "up", 0, "hello"),
      bytes("1.1", "up", 70_000, sent.subarray(70_000)),
      { kind: "end", session: "1.1", time_us: START + 1600, direction: "up" },
      bytes("1.1", "down", 0, got),
      over("1.1", "done", 100_000, 200_000),
      over("1.2", "client-reset", 5, 0),
      session("1.3", { client: "192.0.2.8:1", local: "[2001:db8::1]:1" }),
    ];
    await captured(records, async (path) => {
      const names = ["tcp.stream", "ip.src", "ipv6.src", "tcp.srcport", "tcp.dstport", "tcp.len"];
      const all = await fields(path, ...names, "frame.time_epoch", "frame.comment");
      assertEquals(
        all[0],
        "0;192.0.2.7;;5000;8080;0;1767323045.000000000;" +
          "session 1.1 at listener web; to db1; accepted 2 ms before",
      );
      const total = new Map<string, number>();
      for (const line of all) {
        const [stream, , , port, , length] = line.split(";");
        total.set(`${stream} ${port}`, (total.get(`${stream} ${port}`) ?? 0) + Number(length));
      }
      assertEquals([...total].slice(0, 4), [
        ["0 5000", 100_000],
        ["0 8080", 200_000],
        ["1 6000", 5],
        [
          "1 443",
          0,
        ],
      ]);
      assert(all.some((line) => line.includes("decrypted: TLS 1.3 ends at the listener")));
      assert(all.some((line) => line.includes(";::ffff:192.0.2.8;1;")));
      const wrong = await fields(
        path,
        "tcp.analysis.flags",
        "tcp.checksum.status",
        "ip.checksum.status",
      );
      assertEquals(new Set(wrong), new Set([";1;1", ";1;"]));
      const payload = await fields(path, "tcp.stream", "tcp.srcport", "tcp.payload");
      const up = payload.filter((line) => line.startsWith("0;5000;")).map((line) =>
        line.split(";")[2]
      );
      assertEquals(Uint8Array.fromHex(up.join("")), sent);
      const flags = await fields(path, "tcp.stream", "tcp.flags.str");
      assertMatch(flags.filter((line) => line.startsWith("0")).join(" "), /^0;·{10}S· .*A··.F/);
      assertMatch(flags.filter((line) => line.startsWith("1")).at(-1)!, /R/);
    });
  },
});

Deno.test({
  ...unless("what was left out is missing there, too; datagrams are datagrams", NO_TSHARK),
  async fn() {
    const records: InspectionRecord[] = [
      session("1.1", { bytes_up: 5_000_000_000, bytes_down: 10 }),
      bytes("1.1", "up", 5_000_000_000, "one"),
      bytes("1.1", "up", 5_000_000_100, "two"),
      { kind: "lost", time_us: START, lost_bytes: 97, lost_sessions: 0 },
      session("2.1", { transport: "udp", client: "192.0.2.9:9999", local: "192.0.2.1:9998" }),
      bytes("2.1", "up", 0, "odd"),
      bytes("2.1", "down", 0, "even"),
      session("3.1", { transport: "unix", client: "unix", local: "unix:/run/a.sock" }),
      bytes("3.1", "up", 0, "x"),
    ];
    await captured(records, async (path) => {
      const flags = await fields(
        path,
        "tcp.analysis.lost_segment",
        "udp.checksum.status",
        "data.data",
      );
      assertEquals(flags.filter((line) => line.startsWith("1;")).length, 1);
      assertEquals(flags.filter((line) => line.includes(";1;")), [";1;6f6464", ";1;6576656e"]);
      const comments = await fields(path, "ip.dst", "frame.comment");
      assert(comments.some((line) => /^127\.0\.0\.1;.*addresses are made up/.test(line)));
    });
  },
});

Deno.test("the file has no more than its limit, and only whole packets", async () => {
  const path = `${await Deno.makeTempDir()}/a.pcapng`;
  using capture = new Capture(path, { limit: 100_000 });
  capture.add(session("1.1"));
  for (let n = 0; !capture.full; n++) capture.add(bytes("1.1", "up", n * 1000, randomBytes(1000)));
  const { size } = await Deno.stat(path);
  assertEquals(size, capture.counts.bytes);
  assert(size <= 100_000 && size > 97_000, `${size} bytes`);
  if (hasTshark) assertEquals((await fields(path, "frame.number")).length, capture.counts.packets);
  await Deno.remove(path.slice(0, -"/a.pcapng".length), { recursive: true });
});

/** Whether a file system of our own can be mounted. */
function mountsTmpfs(): boolean {
  return Deno.build.os === "linux" && Deno.uid() === 0 &&
    new Deno.Command("unshare", { args: ["--mount", "true"], stderr: "null" }).outputSync().success;
}

Deno.test({
  ...unless("a full disk leaves whole packets, and how many is said", {
    "no file system can be mounted": !mountsTmpfs(),
  }),
  async fn() {
    const folder = await Deno.makeTempDir();
    const mounted = await new Deno.Command("mount", {
      args: ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder],
    }).output();
    assert(mounted.success);
    try {
      const path = `${folder}/a.pcapng`;
      using capture = new Capture(path, { limit: 1e9 });
      capture.add(session("1.1"));
      const error = assertThrows(() => {
        for (let n = 0;; n++) capture.add(bytes("1.1", "up", n * 1000, randomBytes(1000)));
      }, FatalError);
      const { packets, bytes: whole } = capture.counts;
      assertMatch(
        error.message,
        new RegExp(`cannot be written: No space left.*; it has the ${packets} packets before$`),
      );
      assertEquals((await Deno.stat(path)).size, whole);
      if (hasTshark) assertEquals((await fields(path, "frame.number")).length, packets);
    } finally {
      await new Deno.Command("umount", { args: ["--lazy", folder] }).output();
      await Deno.remove(folder, { recursive: true });
    }
  },
});
