import { assertEquals, assertThrows } from "@std/assert";
import { type Credentials, ownCredentials } from "../../../src/base/credentials.ts";
import { UsageError } from "../../../src/base/errors.ts";
import { capableStart, wantedIdentity } from "../../../src/program/daemon/identity.ts";
import { unless } from "../../support/unless.ts";

const root = Deno.build.os !== "windows" && Deno.uid() === 0;

const ROOT: Credentials = { uid: 0, gid: 0, groups: [] };
const BOB: Credentials = { uid: 1000, gid: 1000, groups: [1000] };
const WEB = { name: "web", uid: 33, gid: 34, home: "/srv" };
const NOBODY = { user: null, group: null };

function problemOf(...args: Parameters<typeof wantedIdentity>): string {
  return assertThrows(() => wantedIdentity(...args), UsageError).message;
}

Deno.test("without --user and --group nothing is to be done", () => {
  assertEquals(wantedIdentity(NOBODY, ROOT), undefined);
  assertEquals(wantedIdentity(NOBODY, undefined), undefined);
});

Deno.test("root becomes the user with the user's group, or the one that is named", () => {
  const identity = { uid: 33, gid: 34, name: "web", user: WEB };
  assertEquals(wantedIdentity({ user: WEB, group: null }, ROOT), identity);
  const group = { name: "adm", gid: 4 };
  assertEquals(wantedIdentity({ user: WEB, group }, ROOT), { ...identity, gid: 4 });
  assertEquals(wantedIdentity({ user: null, group }, ROOT), {
    ...{ uid: 0, gid: 4, user: null },
    name: "group adm",
  });
});

Deno.test("root that is to stay root gives up supplementary groups all the same", () => {
  const user = { name: "root", uid: 0, gid: 0, home: "/root" };
  assertEquals(wantedIdentity({ user, group: null }, ROOT), undefined);
  const identity = wantedIdentity({ user, group: null }, { ...ROOT, groups: [4, 27] });
  assertEquals([identity?.uid, identity?.gid], [0, 0]);
});

Deno.test("who is that user already need not be root", () => {
  const user = { name: "bob", uid: 1000, gid: 1000, home: "/home/bob" };
  assertEquals(wantedIdentity({ user, group: null }, BOB), undefined);
  // Nobody but root could give these up: whoever asks is told.
  assertEquals(wantedIdentity({ user, group: null }, { ...BOB, groups: [27] }), undefined);
});

Deno.test("who is not root is refused with the reason", () => {
  assertEquals(
    problemOf({ user: WEB, group: null }, BOB),
    "--user web: only root can become somebody else, and this is run by user 1000, group 1000; " +
      "must be none, or started by root",
  );
  assertEquals(
    problemOf({ user: WEB, group: null }, undefined),
    "--user web: there are no such users on Windows; must be none",
  );
});

Deno.test({
  ...unless("the capability for low ports is given by setpriv, where that works", {
    "not root": !root,
    "no setpriv": !await Deno.stat("/usr/bin/setpriv").catch(() => undefined),
  }),
  fn: () => {
    const identity = { uid: 33, gid: 34, name: "web", user: WEB };
    assertEquals(capableStart(identity), [
      "/usr/bin/setpriv",
      "--reuid=33",
      "--regid=34",
      "--clear-groups",
      "--inh-caps=-all,+net_bind_service",
      "--ambient-caps=-all,+net_bind_service",
      "--",
    ]);
    assertEquals(capableStart(identity, { paths: ["/nonexistent"] }), undefined);
    // One that knows no such options, as that of busybox.
    assertEquals(capableStart(identity, { paths: ["/bin/false"] }), undefined);
    // Root has all of them by itself.
    assertEquals(capableStart({ ...identity, uid: 0 }), undefined);
  },
});

Deno.test("this process knows who it is", () => {
  assertEquals(ownCredentials()?.uid, Deno.uid() ?? undefined);
  assertEquals(ownCredentials()?.gid, Deno.gid() ?? undefined);
});
