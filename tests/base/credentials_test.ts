import { assertEquals } from "@std/assert";
import { has, ownCredentials } from "../../src/base/credentials.ts";

Deno.test("what the kernel tells of a process is read", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(
      path,
      "Name:\tx\nUid:\t0\t33\t0\t0\nGid:\t1\t2\t3\t4\nGroups:\t4 27 \n" +
        "CapPrm:\t000001ffffffffff\nCapEff:\t0000000000000400\n",
    );
    const credentials = ownCredentials(path)!;
    assertEquals(credentials, { uid: 33, gid: 2, groups: [4, 27], capabilities: 0x400n });
    assertEquals(has(credentials, "netBindService"), true);
    assertEquals(has(credentials, "setuid"), false);
    assertEquals(ownCredentials("/nonexistent"), undefined);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test({
  name: "this process knows who it is",
  ignore: Deno.build.os !== "linux",
  fn: () => {
    const { uid, gid } = ownCredentials()!;
    assertEquals([uid, gid], [Deno.uid(), Deno.gid()]);
  },
});
