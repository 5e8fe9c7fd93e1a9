import { assertEquals, assertThrows } from "@std/assert";
import { findGroup, findUser, isAccountName } from "../../src/base/accounts.ts";
import { FileError } from "../../src/base/bounded_file.ts";

async function withFile(text: string, test: (path: string) => void): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, text);
    test(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("a user is found by name and by number, with the primary group", async () => {
  await withFile("root:x:0:0:root:/root:/bin/sh\nweb:x:33:34:w:/srv:/bin/false\n", (path) => {
    const web = { name: "web", uid: 33, gid: 34, home: "/srv" };
    assertEquals(findUser("web", { path }), web);
    assertEquals(findUser("33", { path }), web);
    assertEquals(findUser("0", { path })?.name, "root");
    assertEquals(findUser("we", { path }), undefined);
  });
});

Deno.test("a number that no user has is a user without a group", async () => {
  await withFile("root:x:0:0:root:/root:/bin/sh\n", (path) => {
    assertEquals(findUser("4711", { path }), {
      name: "4711",
      uid: 4711,
      gid: undefined,
      home: "/",
    });
    // The kernel takes this one for "leave it as it is".
    assertEquals(findUser("4294967295", { path }), undefined);
  });
});

Deno.test("lines that are no users are passed over", async () => {
  await withFile("#web:x:1:1:::\nweb\nweb:x:\nweb:x:-1:0:::\n+::::::\nweb:x:7:8::/h:\n", (path) => {
    assertEquals(findUser("web", { path })?.uid, 7);
    assertEquals(findUser("+", { path }), undefined);
  });
});

Deno.test("a group is found by name and by number", async () => {
  await withFile("root:x:0:\nadm:x:4:bob,eve\n", (path) => {
    assertEquals(findGroup("adm", { path }), 4);
    assertEquals(findGroup("4", { path }), 4);
    assertEquals(findGroup("12", { path }), 12);
    assertEquals(findGroup("nobody-has-it", { path }), undefined);
  });
});

Deno.test("without the file nobody is found, and that is said", () => {
  assertThrows(() => findUser("root", { path: "/nonexistent/passwd" }), FileError);
});

Deno.test("names and numbers can be accounts, and nothing else", () => {
  for (const text of ["root", "www-data", "_apt", "a.b", "svc$", "0", "65534"]) {
    assertEquals(isAccountName(text), true, text);
  }
  for (const text of ["", "-x", "a b", "a:b", "a/b", "99999999999", "4294967295", "x".repeat(40)]) {
    assertEquals(isAccountName(text), false, text);
  }
});
