import { assertEquals } from "@std/assert";
import { adopt } from "../../src/net/socket.ts";
import { FairReads } from "../../src/net/fair_reads.ts";
import { pump } from "../../src/session/pump.ts";
import { RecordingStream } from "../support/recording_stream.ts";
import { socketPair, tryClose, writeAll } from "../support/servers.ts";
import { StrictPool } from "../support/strict_pool.ts";

Deno.test("a write that takes a part is followed by the rest, not by the same again", async () => {
  const { near, far } = await socketPair();
  await writeAll(near, new TextEncoder().encode("0123456789"));
  await near.closeWrite();
  const buffers = new StrictPool();
  const from = adopt(far);
  const to = new RecordingStream(4);
  const flow = { received: 0, bytes: 0, ended: false };
  const end = await pump({
    ...{ from, to, flow, unanswered: undefined, observer: { onFirstByte() {} } },
    begin: { buffer: buffers.take(), length: 0, pending: undefined },
  }, { buffers, fairReads: new FairReads() });
  assertEquals([end, flow.bytes, buffers.out], ["ended", 10, 0]);
  assertEquals(to.calls, ["0123", "4567", "89"]);
  from.close();
  tryClose(near);
});
