import { assert, assertEquals } from "@std/assert";
import { Inspection, MOST_HELD } from "../../src/balancer/inspection.ts";
import { BufferPool } from "../../src/net/buffer_pool.ts";
import type { InspectionRecord } from "../../src/operations/inspection.ts";
import { Session } from "../../src/session/session.ts";
import { socketPair } from "../support/servers.ts";
import { adopt } from "../../src/net/socket.ts";

async function inspected(use: (session: Session, inspection: Inspection) => Promise<void>) {
  const { near, far } = await socketPair();
  const session = new Session(adopt(near), { id: 7, now: 0, buffers: new BufferPool() });
  const inspection = new Inspection({ id: 3, name: "web" });
  await use(session, inspection);
  near.close();
  far.close();
}

function kinds(records: readonly InspectionRecord[] | undefined): string[] | undefined {
  return records?.map(({ kind }) => kind);
}

Deno.test("what nobody reads is kept within bounds, and what is left out is told", async () => {
  await inspected(async (session, inspection) => {
    assert(inspection.begin(session, 5));
    const bytes = new Uint8Array(64 * 1024);
    const pieces = 3 * MOST_HELD / bytes.length;
    for (let n = 0; n < pieces; n++) {
      inspection.onBytes(session, "down", { offset: n * bytes.length, bytes });
    }
    assertEquals(inspection.untold, 3 * MOST_HELD);
    const records = (await inspection.read())!;
    const told = records.flatMap((one) => one.kind === "bytes" ? one.bytes.length : []);
    const sum = told.reduce((sum, length) => sum + length, 0);
    assert(sum > MOST_HELD - 2 * bytes.length && sum <= MOST_HELD, `${sum} bytes`);
    const last = records.at(-1)!;
    assertEquals(last.kind === "lost" && last.lost_bytes, 3 * MOST_HELD - sum);
    assertEquals(inspection.untold, 0);
    // There is room again, also for those that come.
    inspection.onBytes(session, "down", { offset: 3 * MOST_HELD, bytes });
    assertEquals(kinds(await inspection.read()), ["bytes"]);
  });
});

Deno.test("bytes are what they were when they were written", async () => {
  await inspected(async (session, inspection) => {
    const bytes = new Uint8Array([1, 2, 3]);
    inspection.onBytes(session, "up", { offset: 0, bytes });
    bytes.fill(9);
    const [record] = (await inspection.read())!;
    assertEquals(record!.kind === "bytes" && [...record!.bytes], [1, 2, 3]);
  });
});

Deno.test("who reads waits for what comes, for a second at most, and is told the end", async () => {
  await inspected(async (session, inspection) => {
    const reading = inspection.read();
    inspection.begin(session, 5);
    assertEquals(kinds(await reading), ["session"]);
    assertEquals(await inspection.read(), []);
    const last = inspection.read();
    session.conclude("killed");
    inspection.end(session);
    inspection.close();
    assertEquals(kinds(await last), ["over"]);
    assertEquals(await inspection.read(), undefined);
  });
});
