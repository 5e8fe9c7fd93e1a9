import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../src/base/errors.ts";
import { takePassedDescriptors } from "../../src/net/passed/variables.ts";

function take(variables: Record<string, string>) {
  const env = new Map(Object.entries(variables));
  const found = takePassedDescriptors(env as never, 7);
  return { found, left: [...env.keys()] };
}

Deno.test("descriptors are counted from 3 and have the names that they are given", () => {
  const { found, left } = take({
    LISTEN_PID: "7",
    LISTEN_FDS: "3",
    LISTEN_FDNAMES: "web:/run/x",
    PATH: "/bin",
  });
  assertEquals(found, [{ fd: 3, name: "web" }, { fd: 4, name: "/run/x" }, { fd: 5, name: "" }]);
  assertEquals(left, ["PATH"]);
});

Deno.test("what was passed to another process is nobody's here, and is not handed on", () => {
  for (const LISTEN_PID of ["8", "", "abc", "07", "7.0"]) {
    assertEquals(take({ LISTEN_PID, LISTEN_FDS: "1" }), { found: [], left: [] });
  }
  assertEquals(take({ LISTEN_FDS: "1" }), { found: [], left: [] });
  assertEquals(take({ LISTEN_PID: "7" }), { found: [], left: [] });
  assertEquals(take({ LISTEN_PID: "7", LISTEN_FDS: "0" }), { found: [], left: [] });
});

Deno.test("a number of descriptors that is none is refused", () => {
  for (const LISTEN_FDS of ["abc", "", "-1", "1.5", "1000000000", "1e3", "99999999999999999999"]) {
    const error = assertThrows(() => take({ LISTEN_PID: "7", LISTEN_FDS }), UsageError);
    assertEquals(
      error.message,
      `LISTEN_FDS="${LISTEN_FDS}" in the environment: must be the number of descriptors that are ` +
        "passed, 0 to 10000",
    );
  }
});
