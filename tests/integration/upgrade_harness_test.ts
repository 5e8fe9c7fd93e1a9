import { assert, assertEquals } from "@std/assert";
import { unless } from "../support/unless.ts";

const MAIN = new URL("../../scripts/upgrade/main.ts", import.meta.url).pathname;
const BINARY = Deno.env.get("IAWLB_BINARY");

/** Whether a network namespace of our own can be made. */
async function canUnshare(): Promise<boolean> {
  try {
    const args = ["--net", "--pid", "--fork", "--mount-proc", "sh", "-c", "ip link set lo up"];
    const command = new Deno.Command("unshare", { args, stdout: "null", stderr: "null" });
    return (await command.output()).success;
  } catch {
    return false;
  }
}

const hasSetting = await Deno.stat("/proc/sys/net/ipv4/tcp_migrate_req").then(
  () => true,
  () => false,
);

Deno.test({
  ...unless("upgrades under load refuse, reset and cut nobody with tcp_migrate_req", {
    "no network namespace here": !await canUnshare(),
    "the kernel has no tcp_migrate_req": !hasSetting,
  }),
  fn: async () => {
    const own = ["--contenders", "iawlb", "--migrate", "1", "--json"];
    const small = ["--upgrades", "3", "--clients", "8", "--generations", "2"];
    const binary = BINARY ? ["--binary", BINARY] : [];
    const { stdout, stderr, code } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "-A", MAIN, ...own, ...small, ...binary],
    }).output();
    const errors = new TextDecoder().decode(stderr);
    assertEquals(code, 0, errors);
    const row = JSON.parse(new TextDecoder().decode(stdout));
    const { upgrades, answered, refused, reset, lost, wrong, late, other, finished, cut } = row;
    assertEquals(
      { upgrades, refused, reset, lost, wrong, late, other, finished, cut },
      { ...NOBODY, upgrades: 3, finished: 3 },
      errors,
    );
    assert(answered > 0);
  },
});

const NOBODY = { refused: 0, reset: 0, lost: 0, wrong: 0, late: 0, other: 0, cut: 0 };
